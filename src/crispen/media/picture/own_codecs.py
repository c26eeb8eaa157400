"""What reads and writes the formats that libvips does not, by the format's name."""

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
"""Of whole pictures: samples, their header, and a quality from 1 to 100."""

_OPENERS: dict[str, Opener] = {
    **ffmpeg_stills.OPENERS,
    "heif": heif.open_heif,
    "ico": pillow.open_icon,
    "raw": raw.open_raw,
}
# Of what may hold a JPEG, which they are given a reader for.
_WITH_JPEG = {"jxl": jxl.open_jxl}
_FRAMES = {"png": file_chunks.png_frames, "avif": file_chunks.avif_frames}


def choose(
    format: str,
    look: Callable[[Callable[[BinaryIO], int]], Any],
    read_jpeg: Callable[[bytes], Decoded],
) -> Opener | None:
    """What opens a file; None where libvips does.

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
