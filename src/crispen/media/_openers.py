"""What opens the pictures that libvips does not."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, BinaryIO

from crispen.media import _chunks, _heif, _jxl, _pillow, _raw, _stills
from crispen.media._whole import Decoded, Whole

Opener = Callable[[bytes], Whole]

_BY_FORMAT: dict[str, Opener] = {
    **_stills.OPENERS,
    "heif": _heif.open_heif,
    "ico": _pillow.open_icon,
    "raw": _raw.open_raw,
}
_FRAMES = {"png": _chunks.png_frames, "avif": _chunks.avif_frames}


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
    if format == "jxl":
        return functools.partial(_jxl.open_jxl, read_jpeg=read_jpeg)
    if format in _FRAMES and look(_FRAMES[format]) > 1:
        return functools.partial(_pillow.open_animation, kind=format)
    return _BY_FORMAT.get(format)
