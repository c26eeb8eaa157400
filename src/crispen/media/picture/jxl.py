"""JPEG XL by libjxl (``pillow-jxl-plugin``), in 8 bits; grey in 16.

The plugin decodes colour to 8 bits; all bits of it are read if `imagecodecs` is installed too (the
extra ``crispen[formats]``), which in turn knows nothing of profiles and metadata.

Source: ISO/IEC 18181-1, 18181-2 (the container).
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from crispen.media.picture import exif_orientation, heif_boxes
from crispen.media.picture.decoded import Decoded, Whole
from crispen.media.picture.header import Header, Metadata, Pixels
from crispen.media.picture.vips import DAMAGED, ENDS_EARLY, NotUnderstood

_CODESTREAM = b"\xff\x0a"
_HEAD_BYTES = 64
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_EFFORT = 5  # libjxl's default, 7, takes three times as long
_ROUNDED = "its 16 bits were rounded to 8; to read all: pip install 'crispen[formats]'"
_PNG = "convert it to 16-bit PNG with djxl first"


def open_jxl(data: bytes, read_jpeg: Callable[[bytes], Decoded]) -> Whole:
    """A JPEG XL; the first frame of an animated one.

    Args:
        data: The file.
        read_jpeg: Reads a JPEG that was packed into it losslessly.

    Raises:
        ValueError: It is damaged.
        NotUnderstood: Its colours or samples are of a kind that is not read.
    """
    width, height, deep = _announced(data)

    def decode() -> Decoded:
        decoded = _decode(data, deep, read_jpeg)
        sides = decoded.pixels.shape[:2]
        if sorted(sides) != sorted((width, height)):  # turned or not
            raise ValueError(DAMAGED)
        return decoded

    return Whole(width, height, decode)


def encode(pixels: Pixels, header: Header, quality: int) -> bytes:
    """A JPEG XL file of `pixels` in sRGB: 8 bits, grey also 16.

    Args:
        pixels: ``(height, width, channels)``.
        header: The picture's.
        quality: 1 to 100; 100 is lossless.
    """
    import pillow_jxl

    make: Any = pillow_jxl.Encoder  # its type stub is incomplete
    encoder = make(
        mode="I;16" if pixels.dtype == np.uint16 else _MODES[pixels.shape[2]],
        lossless=quality == 100,
        quality=float(quality),
        effort=_EFFORT,
        num_threads=-1,
    )
    meta = header.metadata
    exif = meta.exif.removeprefix(b"Exif\0\0") if meta.exif else None
    return bytes(
        encoder(
            pixels.tobytes(),
            pixels.shape[1],
            pixels.shape[0],
            jpeg_encode=False,
            exif=exif,
            jumb=None,
            xmp=meta.xmp,
            compress=False,
        )
    )


def _decode(data: bytes, deep: bool, read_jpeg: Callable[[bytes], Decoded]) -> Decoded:
    import pillow_jxl

    make: Any = pillow_jxl.Decoder
    try:
        is_jpeg, info, samples, icc, boxes = make(num_threads=-1)(data)
    except (ValueError, RuntimeError, OSError):
        raise ValueError(DAMAGED) from None
    if is_jpeg:  # as it was before it was packed, EXIF and all
        return read_jpeg(bytes(samples))
    channels = {"L": 1, "I;16": 1, "LA": 2, "RGB": 3, "RGBA": 4}.get(info.mode)
    if channels is None:
        raise NotUnderstood(f"this JPEG XL holds samples of type {info.mode}", _PNG)
    if icc and icc[20:24] == b"Lab " and b"cicp" in icc[128:]:
        raise NotUnderstood("this JPEG XL is HDR, and is not read", _PNG)
    dtype = "uint16" if info.mode == "I;16" else "uint8"
    pixels: Any = np.frombuffer(samples, dtype).reshape(info.height, info.width, channels)
    if deep and channels > 2 and find_spec("imagecodecs") is not None:
        pixels = _all_bits(data)
    exif, xmp = _box(boxes, b"Exif"), _box(boxes, b"xml ")
    if exif and exif[4:6] in (b"II", b"MM"):  # after an offset, as the format requires
        exif = exif[4:]
    metadata = Metadata(
        icc=icc if icc and not _is_srgb(icc) else None,
        exif=exif_orientation.upright(b"Exif\0\0" + exif) if exif else None,
        xmp=exif_orientation.upright_xmp(xmp) if xmp else None,
    )
    return Decoded(pixels, metadata, (_ROUNDED,) if deep and pixels.dtype == np.uint8 else ())


def _all_bits(data: bytes) -> Pixels:
    """``(height, width, 3 or 4)`` of uint16, in the same colours as in 8 bits."""
    import imagecodecs

    try:
        decoded = np.asarray(imagecodecs.jpegxl_decode(data))
    except RuntimeError:
        raise ValueError(DAMAGED) from None
    pixels = decoded[0] if decoded.ndim > 3 else decoded  # the first frame of an animation
    if pixels.dtype != np.uint16:  # floating point
        pixels = np.nan_to_num(pixels).clip(0, 1) * 65535 + 0.5
    return np.asarray(pixels, np.uint16)


def _box(boxes: list[Any], kind: bytes) -> bytes | None:
    return next((bytes(box.data) for box in boxes if bytes(box.box_type) == kind), None)


def _is_srgb(icc: bytes) -> bool:
    """Whether libjxl made this profile for sRGB, judging by its name."""
    names = ("sRGB", "Gra_D65_Rel_SRG", "Gra_D65_Per_SRG")
    return icc[4:8] == b"jxl " and any(name.encode("utf-16-be") in icc for name in names)


class _Bits:
    """Reads numbers from the start of a codestream, least significant bit first."""

    def __init__(self, data: bytes) -> None:
        self._bits = int.from_bytes(data[:32], "little")

    def take(self, count: int) -> int:
        value = self._bits & ((1 << count) - 1)
        self._bits >>= count
        return value


def _codestream(data: bytes) -> bytes:
    """The start of the codestream; empty if there is none.

    Only its own box counts: others may hold bytes that look like one with another size.
    """
    if data.startswith(_CODESTREAM):
        return data[:_HEAD_BYTES]
    found = b""
    for box in heif_boxes.boxes(data, 0, len(data)):
        if box.kind in (b"jxlc", b"jxlp"):  # whole, or in parts that begin with their number
            start = box.start + (4 if box.kind == b"jxlp" else 0)
            found += data[start : min(box.end, start + _HEAD_BYTES)]
            if len(found) >= _HEAD_BYTES or box.kind == b"jxlc":
                break
    return found


def _announced(data: bytes) -> tuple[int, int, bool]:
    """Width and height as stored, and whether there are more than 8 bits.

    Raises:
        ValueError: There is no codestream.
    """
    stream = _codestream(data)
    if len(stream) < 12 or not stream.startswith(_CODESTREAM):
        raise ValueError(ENDS_EARLY)
    bits = _Bits(stream[2:])
    small = bits.take(1)

    def side() -> int:
        if small:
            return 8 * (bits.take(5) + 1)
        return bits.take((9, 13, 18, 30)[bits.take(2)]) + 1

    height = side()
    ratio = bits.take(3)
    width = side() if ratio == 0 else height * _RATIOS[ratio][0] // _RATIOS[ratio][1]
    if bits.take(1):  # nothing else differs from the usual: 8 bits, sRGB
        return width, height, False
    if bits.take(1):  # orientation, an intrinsic size, a preview, an animation
        bits.take(3)
        if bits.take(1) or bits.take(1) or bits.take(1):
            return width, height, False  # rare and unimportant
    if bits.take(1):  # floating-point samples
        return width, height, True
    selector = bits.take(2)
    depth = (8, 10, 12)[selector] if selector < 3 else 1 + bits.take(6)
    return width, height, depth > 8
