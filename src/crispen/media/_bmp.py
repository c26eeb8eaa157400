"""BMP, read with the FFmpeg that comes with Crispen's video half: libvips' wheels have no decoder.

Only reading: PNG holds all that a BMP does in less space.
"""

from __future__ import annotations

import io
import struct

import numpy as np
from numpy.typing import NDArray

from crispen.media._whole import Whole


def open_bmp(data: bytes) -> Whole:
    """A BMP.

    Raises:
        ValueError: The header is cut or of an unknown kind.
    """
    width, height = size(data)
    return Whole(width, height, lambda: decode(data))


def size(data: bytes) -> tuple[int, int]:
    """Width and height from the header.

    Raises:
        ValueError: The header is cut or of an unknown kind.
    """
    if len(data) < 30:
        raise ValueError("it ends in the middle")
    (header,) = struct.unpack_from("<I", data, 14)
    if header == 12:
        width, height = struct.unpack_from("<HH", data, 18)
    elif header >= 40:
        width, height = struct.unpack_from("<ii", data, 18)
    else:
        raise ValueError(f"unknown header of {header} bytes")
    if width <= 0 or height == 0:
        raise ValueError(f"impossible size {width}x{height}")
    return width, abs(height)  # negative: stored top to bottom


def decode(data: bytes) -> NDArray[np.uint8]:
    """``(height, width, channels)``: grey, RGB, or RGBA where the file states alpha.

    Raises:
        ValueError: The picture is damaged.
    """
    import av

    width, height = size(data)
    try:
        with av.open(io.BytesIO(data), mode="r", format="bmp_pipe") as container:
            frame = next(container.decode(video=0))
    except (av.FFmpegError, StopIteration, IndexError):
        raise ValueError("the data in it is damaged or cut") from None
    if (frame.width, frame.height) != (width, height):
        raise ValueError("its header contradicts itself")
    kind = {"gray": "gray", "bgra": "rgba"}.get(frame.format.name, "rgb24")
    pixels = np.asarray(frame.to_ndarray(format=kind), np.uint8)
    return np.ascontiguousarray(pixels.reshape(height, width, -1))
