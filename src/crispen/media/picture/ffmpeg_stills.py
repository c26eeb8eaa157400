"""Still pictures decoded by FFmpeg, which Crispen installs for videos.

BMP, TGA, JPEG 2000, PNM and PFM: libvips' wheels have no decoder for them, and Pillow has none that
keeps 16 bits of colour. They are only read: PNG holds the same in less space.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crispen.media.picture import bmp, heif_boxes
from crispen.media.picture.decoded import Decoded, Whole
from crispen.media.picture.header import Metadata, Pixels
from crispen.media.picture.pixel_layout import deep_from_float
from crispen.media.picture.vips import DAMAGED, ENDS_EARLY

_PNM_CODECS = {b"P1": "pbm", b"P4": "pbm", b"P2": "pgm", b"P5": "pgm", b"P3": "ppm", b"P6": "ppm"}
_PNM_CODECS |= {b"P7": "pam", b"PF": "pfm", b"Pf": "pfm"}
_PNM_SIZE = re.compile(rb"P.(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)\s")
_PAM_SIZE = re.compile(rb"P7\n(?=.*?WIDTH\s+(\d+))(?=.*?HEIGHT\s+(\d+)).*?ENDHDR\n", re.DOTALL)
_ROOM_PX = 256
_FLOATS = {"gbrpf32le", "grayf32le"}


def open_bmp(data: bytes) -> Whole:
    """A BMP."""
    return _open(data, "bmp", *bmp.size(data), bmp.metadata(data))


def open_tga(data: bytes) -> Whole:
    """A TGA."""
    if len(data) < 18:
        raise ValueError(ENDS_EARLY)
    return _open(data, "targa", *struct.unpack_from("<HH", data, 12))


def open_pnm(data: bytes) -> Whole:
    """A PBM, PGM, PPM, PAM or PFM."""
    found = (_PAM_SIZE if data[:2] == b"P7" else _PNM_SIZE).match(data)
    if found is None:
        raise ValueError("its header is damaged")
    codec = _PNM_CODECS[data[:2]]
    return _open(data, codec, int(found[1]), int(found[2]))


def open_jpeg2000(data: bytes) -> Whole:
    """A JP2 file, or the bare codestream of one.

    Source: ISO/IEC 15444-1, annexes A and I.
    """
    icc = None
    start = data.find(b"\xff\x4f\xff\x51")  # start of codestream, size
    if start < 0 or len(data) < start + 24:
        raise ValueError(ENDS_EARLY)
    right, bottom, left, top = struct.unpack_from(">4I", data, start + 8)
    if data[:4] == b"\0\0\0\x0c":
        header = next((b for b in heif_boxes.boxes(data, 0, len(data)) if b.kind == b"jp2h"), None)
        inside = heif_boxes.boxes(data, header.start, header.end) if header else ()
        by_profile = (2, 3)  # restricted, any
        icc = next(
            (
                data[b.start + 3 : b.end]
                for b in inside
                if b.kind == b"colr" and data[b.start] in by_profile
            ),
            None,
        )
    return _open(data, "jpeg2000", right - left, bottom - top, Metadata(icc=icc))


def _open(
    data: bytes, codec: str, width: int, height: int, metadata: Metadata | None = None
) -> Whole:
    if width < 1 or height < 1:
        raise ValueError(f"impossible size {width}x{height}")

    def decode() -> Decoded:
        # FFmpeg also counts the padding beside the picture.
        frame = _frame(data, codec, (width + _ROOM_PX) * (height + _ROOM_PX))
        if (frame.width, frame.height) != (width, height):
            raise ValueError("its header contradicts itself")
        pixels, notes = _pixels(frame)
        return Decoded(pixels, metadata or Metadata(), notes)

    return Whole(width, height, decode)


def _frame(data: bytes, codec: str, most_pixels: int) -> Any:
    import av
    from av.codec.context import CodecContext

    try:
        context: Any = CodecContext.create(codec, "r")
        # The stated size was checked; a file can hold a larger picture than it states.
        context.options = {"max_pixels": str(most_pixels)}
        return (context.decode(av.Packet(data)) or context.decode(None))[0]
    except (av.FFmpegError, IndexError):
        raise ValueError(DAMAGED) from None


def _pixels(frame: Any) -> tuple[Pixels, tuple[str, ...]]:
    """Grey or RGB, with alpha where the file states it; and notes."""
    name = frame.format.name
    if name in _FLOATS:
        deep, note = deep_from_float(_shaped(frame.to_ndarray(), frame), 1.0)
        stated = "its floating-point samples were treated as 0 to 1 of sRGB"
        return deep, (stated, note) if note else (stated,)
    bits = 8 if name == "pal8" else max(c.bits for c in frame.format.components)
    grey = name.startswith(("gray", "mono", "ya"))
    alpha = name.startswith(("ya", "rgba", "bgra", "argb", "abgr", "gbrap", "yuva", "pal8"))
    if grey and not alpha:
        return _shaped(frame.to_ndarray(format="gray16le" if bits > 8 else "gray"), frame), ()
    wanted = ("rgba64le" if bits > 8 else "rgba") if alpha else ("rgb48le" if bits > 8 else "rgb24")
    pixels = _shaped(frame.to_ndarray(format=wanted), frame)
    if name == "pal8" and (pixels[..., 3] == 255).all():
        pixels = pixels[..., :3]
    return np.ascontiguousarray(pixels[..., [0, 3]] if grey else pixels), ()


def _shaped(array: NDArray[Any], frame: Any) -> NDArray[Any]:
    return np.ascontiguousarray(array.reshape(frame.height, frame.width, -1))


OPENERS: dict[str, Callable[[bytes], Whole]] = {
    "bmp": open_bmp,
    "tga": open_tga,
    "pnm": open_pnm,
    "jp2": open_jpeg2000,
}
