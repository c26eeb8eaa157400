"""The structure of a GIF, walked without decoding.

libvips' GIF decoder is lenient: it shows what there is of a cut file and reports nothing. Walking
the blocks costs almost nothing, distinguishes a cut file from a whole one, and counts the frames
before memory is allocated for them. A frame larger than the canvas is not damage: all viewers crop
it.

Source: W3C, "GIF89a specification", https://www.w3.org/Graphics/GIF/spec-gif89a.txt
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from typing import NamedTuple


class GifSize(NamedTuple):
    """Canvas and number of frames."""

    width: int
    height: int
    frames: int


def walk(data: bytes) -> GifSize:
    """The size of a GIF.

    Raises:
        ValueError: The file ends inside a block, or holds no frame.
    """
    width, height, _ = canvas(data)
    ends = list(_frame_ends(data))
    if -1 in ends:
        raise ValueError("it ends in the middle")
    if not ends:
        raise ValueError("it holds no frame")
    return GifSize(width, height, len(ends))


def canvas(data: bytes) -> GifSize:
    """The size of a GIF, and the number of its whole frames, at least 1.

    Raises:
        ValueError: Not even its header is whole.
    """
    if len(data) < 13:
        raise ValueError("it ends in the middle")
    width, height = struct.unpack_from("<HH", data, 6)
    return GifSize(width, height, max(1, sum(end > 0 for end in _frame_ends(data))))


def mend(data: bytes) -> bytes:
    """A cut GIF without its incomplete frame; with it if it is the only one."""
    whole = [end for end in _frame_ends(data) if end > 0]
    return data[: whole[-1]] + b";" if whole else data


def comment(data: bytes) -> bytes | None:
    """All comments of a GIF, one line each; None if there is none."""
    comments = []
    with contextlib.suppress(IndexError):
        at = 13 + _table(data[10])
        while data[at] in (0x21, 0x2C):
            if data[at] == 0x2C:
                at = _skip_blocks(data, at + 11 + _table(data[at + 9]))
                continue
            end = _skip_blocks(data, at + 2)
            if data[at + 1] == 0xFE:
                comments.append(_joined(data, at + 2))
            at = end
    return b"\n".join(filter(None, comments)) or None


def _joined(data: bytes, at: int) -> bytes:
    parts = []
    while size := data[at]:
        parts.append(data[at + 1 : at + 1 + size])
        at += 1 + size
    return b"".join(parts)


def _frame_ends(data: bytes) -> Iterator[int]:
    """Where each frame ends; finally -1 if the file ends inside a block."""
    try:
        at = 13 + _table(data[10])
        # A missing trailer after a whole frame is common and loses nothing.
        while at < len(data) and data[at] != 0x3B:
            kind = data[at]
            if kind == 0x21:
                at = _skip_blocks(data, at + 2)
            elif kind == 0x2C:
                at = _skip_blocks(data, at + 11 + _table(data[at + 9]))
                yield at
            else:
                break  # garbage after the last frame
    except IndexError:
        yield -1


def _table(flags: int) -> int:
    """Size in bytes of the colour table that `flags` announce."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _skip_blocks(data: bytes, at: int) -> int:
    """Where the run of data blocks that starts at `at` ends."""
    while data[at]:
        at += 1 + data[at]
    return at + 1
