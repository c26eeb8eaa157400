"""Readers and writers of formats that libvips does not support, by format name."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, BinaryIO

from crispen.media.picture import ffmpeg_stills, file_chunks, heif, jxl, pillow, raw
from crispen.media.picture.decoded import Decoded, Whole
from crispen.media.picture.header import Header, Pixels

Opener = Callable[[bytes], Whole]
Encoder = Callable[[Pixels, Header, int], bytes]

ENCODERS: dict[str, Encoder] = {"jxl": jxl.encode}
"""Encoders of whole pictures, from samples, header, and a quality from 1 to 100."""

_OPENERS: dict[str, Opener] = {
    **ffmpeg_stills.OPENERS,
    "heif": heif.open_heif,
    "ico": pillow.open_icon,
    "raw": raw.open_raw,
}
# Openers of files that may hold a JPEG; they get a reader for it.
_WITH_JPEG = {"jxl": jxl.open_jxl}
_FRAMES = {"png": file_chunks.png_frames, "avif": file_chunks.avif_frames}


def choose(
    format: str,
    look: Callable[[Callable[[BinaryIO], int]], Any],
    read_jpeg: Callable[[bytes], Decoded],
) -> Opener | None:
    """The opener for a file; None if libvips opens it.

    Args:
        format: Name of its format.
        look: Calls a function with the open file.
        read_jpeg: Reads a JPEG that is packed into the file.
    """
    if format in _WITH_JPEG:
        return functools.partial(_WITH_JPEG[format], read_jpeg=read_jpeg)
    if format in _FRAMES and look(_FRAMES[format]) > 1:
        return functools.partial(pillow.open_animation, kind=format)
    return _OPENERS.get(format)
