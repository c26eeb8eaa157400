"""HEIC and HEIF, by libheif with an HEVC decoder (``pillow-heif``): libvips' wheels have none."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crispen.media.picture import color_description, exif_orientation
from crispen.media.picture.decoded import Decoded, Whole
from crispen.media.picture.header import Metadata, Pixels
from crispen.media.picture.pillow import FAILURES
from crispen.media.picture.vips import DAMAGED, NotUnderstood


def open_heif(data: bytes) -> Whole:
    """The primary picture of a HEIF file, rotated upright by its decoder.

    Raises:
        ValueError: It is damaged.
    """
    import pillow_heif

    try:
        file = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False)
    except FAILURES as error:
        raise _failure(error) from None
    if not len(file):
        raise ValueError("it holds no picture that can be read")
    picture: Any = file[file.primary_index]

    def decode() -> Decoded:
        try:
            pixels = _full_range(np.asarray(picture), int(picture.info["bit_depth"]))
        except FAILURES as error:
            raise _failure(error) from None
        metadata = _metadata(data, picture.info, grey=pixels.shape[2] < 3)
        return Decoded(pixels, metadata, left_out(picture.info))

    width, height = picture.size
    return Whole(width, height, decode, pages=len(file))


def left_out(info: Mapping[str, Any]) -> tuple[str, ...]:
    """A note if auxiliary pictures describe the primary one: phones add them.

    Args:
        info: From pillow-heif: ``depth_images``, and ``aux`` by the names of their kinds.
    """
    found = ["depth map"] if info.get("depth_images") else []
    kinds = [str(name).lower() for name in info.get("aux") or ()]
    for part, name in (("gainmap", "HDR gain map"), ("matte", "mattes")):
        if any(part in kind for kind in kinds):
            found.append(name)
    known = sum("gainmap" in kind or "matte" in kind or "disparity" in kind for kind in kinds)
    if any("disparity" in kind for kind in kinds) and "depth map" not in found:
        found.insert(0, "depth map")
    if len(kinds) > known:
        found.append("auxiliary pictures")
    if not found:
        return ()
    named = " and ".join((", ".join(found[:-1]), found[-1])) if len(found) > 1 else found[0]
    return (f"its {named} went: they belong to the picture as it was",)


def _full_range(pixels: NDArray[Any], bits: int) -> Pixels:
    """Samples of 10 or 12 bits, which libheif shifts left, with white at 65535."""
    if pixels.ndim == 2:
        pixels = pixels[..., np.newaxis]
    if pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels, np.uint8)
    levels = (pixels >> (16 - bits)).astype(np.uint32)
    top = (1 << bits) - 1
    return ((levels * 65535 + top // 2) // top).astype(np.uint16)


def _metadata(data: bytes, info: Mapping[str, object], *, grey: bool) -> Metadata:
    def blob(name: str) -> bytes | None:
        value = info.get(name)
        return bytes(value) if isinstance(value, bytes | bytearray) and value else None

    icc, exif, xmp = blob("icc_profile"), blob("exif"), blob("xmp")
    cicp = None
    if icc is None and (stated := color_description.in_avif(io.BytesIO(data))):
        icc, cicp = stated.profile(grey=grey), stated.cicp
    return Metadata(
        icc=icc,
        exif=exif_orientation.upright(exif) if exif else None,
        xmp=exif_orientation.upright_xmp(xmp) if xmp else None,
        cicp=cicp,
    )


def _failure(error: Exception) -> ValueError:
    text = " ".join(str(error).split())
    if "nsupported" in text or "codec" in text.lower():
        return NotUnderstood(
            f"its pictures are coded in an unsupported way ({text})",
            "convert it to PNG or JPEG with the program that made it",
        )
    return ValueError(DAMAGED)
