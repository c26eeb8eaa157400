"""From whatever a file holds to grey or RGB, with or without alpha, in 8 or 16 bits, upright."""

from __future__ import annotations

from typing import Any

from crispen.media._vips import vips

_PLAIN = {"b-w", "grey16", "srgb", "rgb16", "rgb", "multiband"}


def interpret(image: Any) -> Any:
    """`image` as 1 to 4 channels of ``uchar`` or ``ushort``.

    Raises:
        ValueError: No sensible way to show it.
    """
    if image.interpretation == "cmyk":
        image = _from_cmyk(image)
    elif image.format in ("float", "double") and image.interpretation in ("b-w", "scrgb"):
        image = _from_linear(image)
    elif image.interpretation not in _PLAIN:
        image = image.colourspace("rgb16" if image.format == "ushort" else "srgb")
    if image.format not in ("uchar", "ushort"):
        raise ValueError(f"its samples are of type '{image.format}'; 8 or 16 bits are understood")
    if image.bands > 4:
        raise ValueError(f"it has {image.bands} channels; grey or colour with alpha are understood")
    return image


def turn_upright(image: Any, orientation: int, frames: int) -> Any:
    """`image` as a viewer shows it, each frame turned by itself.

    Args:
        image: libvips picture, frames one above the other.
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
    """CMYK by its own profile, else by the plain formula that browsers and Pillow use."""
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
    # The inks' profile does not describe the result, which is sRGB.
    if colour.get_typeof("icc-profile-data"):
        colour.remove("icc-profile-data")
    return colour


def _from_linear(image: Any) -> Any:
    """Linear light in [0, 1] as 16-bit sRGB; brighter than white is clipped."""
    grey = image.bands < 3
    alpha = image.extract_band(image.bands - 1) if image.bands in (2, 4) else None
    colour = image.extract_band(0).bandjoin([image.extract_band(0)] * 2) if grey else image
    colour = colour.extract_band(0, n=3).cast("float").copy(interpretation="scrgb")
    deep = colour.colourspace("rgb16")
    if grey:
        deep = deep.extract_band(0).copy(interpretation="grey16")
    return deep.bandjoin((alpha * 65535).rint().cast("ushort")) if alpha is not None else deep
