"""Converts what a file holds to grey or RGB, with or without alpha, 8 or 16 bit, upright."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crispen.media.picture.vips import NotUnderstood, vips

_PLAIN = {"b-w", "grey16", "srgb", "rgb16", "rgb", "multiband"}
_FLOATS = ("float", "double")
_ROUNDING = 0.001
_MOST_WHITE = 1.1  # resampling overshoots by a few per cent; more means another white, or HDR
_SAMPLES = {
    "char": "8-bit numbers with a sign",
    "short": "16-bit numbers with a sign",
    "int": "32-bit whole numbers",
    "uint": "32-bit whole numbers",
    "complex": "complex numbers",
    "dpcomplex": "complex numbers",
}


def interpret(image: Any) -> Any:
    """`image` as 1 to 4 channels of ``uchar``, ``ushort``, ``float`` or ``double``.

    Raises:
        NotUnderstood: There is no sensible way to show it.
    """
    if image.interpretation == "cmyk" and image.format not in _FLOATS:
        image = _from_cmyk(image)
    elif image.format in _FLOATS and image.interpretation in (*_PLAIN, "scrgb"):
        # libvips treats floats as linear light; only the file says what they are.
        image = image.copy(interpretation="b-w" if image.bands < 3 else "srgb")
    elif image.interpretation not in _PLAIN:
        image = image.colourspace("rgb16" if image.format == "ushort" else "srgb")
    if image.format in _SAMPLES:
        raise NotUnderstood(
            f"it stores {_SAMPLES[image.format]}, and only 8 and 16 bits and floating point are "
            "read",
            "save it in 16 bits with the program that made it",
        )
    if image.bands > 4:
        raise NotUnderstood(
            f"it has {image.bands} channels; grey or colour with alpha are read",
            "save it as RGB with the program that made it",
        )
    return image


def reduced(image: Any) -> str:
    """A note on what `interpret` cannot keep of a freshly decoded picture; empty if nothing."""
    if image.interpretation == "cmyk" and image.format not in _FLOATS:
        return "its CMYK was converted to RGB"
    if image.interpretation in ("lab", "labs", "labq"):
        return "its Lab colours were converted to sRGB"
    bits = image.get("bits-per-sample") if image.get_typeof("bits-per-sample") else 8
    if bits == 1 and image.bands == 1:
        return "its 1 bit a pixel became 8 bits of grey"
    return ""


def interpretation(pixels: NDArray[Any]) -> str:
    """The libvips name for samples of this type and number."""
    deep = pixels.dtype == np.uint16
    if pixels.shape[2] < 3:
        return "grey16" if deep else "b-w"
    return "rgb16" if deep else "srgb"


def turn_upright(image: Any, orientation: int, frames: int) -> Any:
    """`image` as a viewer shows it, each frame turned separately.

    Args:
        image: libvips picture, frames stacked vertically.
        orientation: EXIF orientation, 2 to 8.
        frames: Number of frames.

    Source: EXIF 2.32, tag 0x0112.
    """
    height = image.height // frames

    def turn(x: Any) -> Any:
        turned = {3: "rot180", 4: "rot180", 5: "rot90", 6: "rot90", 7: "rot270", 8: "rot270"}
        if orientation in turned:
            x = getattr(x, turned[orientation])()
        return x.fliphor() if orientation in (2, 4, 5, 7) else x

    if frames == 1:
        return turn(image)
    parts = [turn(image.crop(0, i * height, image.width, height)) for i in range(frames)]
    joined = vips().Image.arrayjoin(parts, across=1).copy()
    joined.set_type(vips().GValue.gint_type, "page-height", parts[0].height)
    return joined


def _from_cmyk(image: Any) -> Any:
    """CMYK by its own profile, else by the simple formula of browsers and Pillow."""
    alpha = image.extract_band(4, n=image.bands - 4) if image.bands > 4 else None
    ink = image.extract_band(0, n=4)
    deep = image.format == "ushort"
    if image.get_typeof("icc-profile-data"):
        colour = ink.icc_transform("srgb", embedded=True, depth=16 if deep else 8)
    else:
        full = 65535 if deep else 255
        left = full - ink
        mixed = left.extract_band(0, n=3) * left.extract_band(3) / full
        colour = mixed.rint().cast(image.format)
        colour = colour.copy(interpretation="rgb16" if deep else "srgb")
    if alpha is not None:
        colour = colour.bandjoin(alpha.extract_band(0))
    colour = colour.copy()
    # The CMYK profile does not describe the result, which is sRGB.
    if colour.get_typeof("icc-profile-data"):
        colour.remove("icc-profile-data")
    return colour


def full_range(image: Any) -> Any:
    """`image` of 10 or 12 bits with its white at 65535: libvips only shifts them left."""
    bits = image.get("bits-per-sample") if image.get_typeof("bits-per-sample") else 16
    if image.format != "ushort" or not 8 < bits < 16:
        return image
    scaled = (image * (65535 / ((2**bits - 1) << (16 - bits)))).rint().cast("ushort")
    return scaled.copy(interpretation=image.interpretation)


def encode(image: Any) -> Any:
    """`image` of linear light in 16 bits with the sRGB curve; alpha stays as it is."""
    white = 255 if image.format == "uchar" else 65535
    grey = image.bands < 3
    light = image / white
    colour = light.extract_band(0).bandjoin([light.extract_band(0)] * 2) if grey else light
    colour = colour.extract_band(0, n=3).cast("float").copy(interpretation="scrgb")
    deep = colour.colourspace("rgb16")
    if grey:
        deep = deep.extract_band(0).copy(interpretation="grey16")
    if image.bands in (2, 4):
        alpha = light.extract_band(image.bands - 1)
        deep = deep.bandjoin((alpha * 65535).rint().cast("ushort"))
    return deep


def deep_from_float(rows: NDArray[Any], white: float) -> tuple[NDArray[np.uint16], str]:
    """Float samples in 16 bits, and a note of what was clipped.

    Args:
        rows: ``(height, width, channels)``.
        white: The sample value of white.

    Raises:
        NotUnderstood: Samples are NaN or infinite, or too far above `white` for it to be right.
    """
    if not np.isfinite(rows).all():
        raise NotUnderstood(
            "it holds samples that are no numbers (NaN or infinite)",
            "save it again with the program that made it",
        )
    low, high = float(rows.min()) / white, float(rows.max()) / white
    if high > _MOST_WHITE:
        raise NotUnderstood(
            f"its floating-point samples go up to {high * white:g}, but it does not say which "
            "value is white",
            "save it in 16 bits with the program that made it",
        )
    note = ""
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        note = f"samples darker than 0 or brighter than {white:g} were cut off"
    deep = np.rint(np.clip(rows / white, 0, 1) * 65535).astype(np.uint16)
    return deep, note
