"""Detects video files that are cut off."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

_SEGMENT = b"\x18\x53\x80\x67"  # holds all of a Matroska file but its first few bytes
_BOXES = (b"ftyp", b"free", b"skip", b"wide", b"moov", b"moof", b"mdat")


def ends_early(path: Path) -> bool:
    """Whether the file is shorter than the lengths in bytes that it states.

    Durations and frame counts prove nothing: a container lasts as long as its longest stream, a
    rate says little about irregular frames, and edit lists leave frames out. Formats that state no
    length, and streamed Matroska, are never found to end early.

    Args:
        path: Matroska, WebM, MP4, MOV or AVI.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(256) + bytes(
            16
        )  # padding, so that numbers can be read at a very early end
        if head.startswith(b"\x1a\x45\xdf\xa3"):
            return _matroska_end(head) > size
        if head.startswith(b"RIFF"):
            return 8 + int(struct.unpack_from("<I", head, 4)[0]) > size
        return head[4:8] in _BOXES and _boxes_end(file, size) > size


def _matroska_end(head: bytes) -> int:
    """Where the segment ends, or 0 if not stated."""
    length, at = _number(head, 4)
    at += length
    if head[at : at + 4] != _SEGMENT:
        return 0
    length, start = _number(head, at + 4)
    unknown = (1 << 7 * (start - at - 4)) - 1
    return start + length if length != unknown else 0


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number of EBML (RFC 8794), whose leading zero bits say how many bytes follow."""
    first = data[at]
    more = 8 - first.bit_length()
    end = at + 1 + more
    return int.from_bytes(data[at:end], "big") & ((1 << 7 * (more + 1)) - 1), end


def _boxes_end(file: BinaryIO, size: int) -> int:
    """Where the last of an MP4's outermost boxes ends (ISO/IEC 14496-12)."""
    end = 0
    while end + 8 <= size:
        file.seek(end)
        head = file.read(16)
        length, kind = struct.unpack_from(">I4s", head)
        if length == 1 and len(head) == 16:
            (length,) = struct.unpack_from(">Q", head, 8)
        # 0 means "to the end of the file"; and cameras append their own notes, which are not boxes.
        if length < 8 or (end + length > size and kind not in _BOXES):
            break
        end += length
    return end
