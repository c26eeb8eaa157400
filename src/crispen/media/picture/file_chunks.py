"""What libvips does not report about a file, found by walking its chunks."""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

_AROUND_TABLES = (b"moov", b"trak", b"mdia", b"minf", b"stbl")


def lossless_webp(file: BinaryIO) -> bool:
    """Whether all its pictures are stored losslessly: as ``VP8L`` (RFC 9649), none as ``VP8``."""
    file.seek(len(b"RIFFsizeWEBP"))
    found = False
    while len(head := file.read(8)) == 8:
        kind, size = struct.unpack("<4sI", head)
        if kind == b"VP8 ":
            return False
        found |= kind == b"VP8L"
        # A frame of an animation holds its own chunks after 16 bytes.
        file.seek(16 if kind == b"ANMF" else size + size % 2, os.SEEK_CUR)
    return found


def png_head(file: BinaryIO) -> dict[bytes, bytes]:
    """The chunks of a PNG that precede its pixels, at most 64 bytes of each."""
    at = len(b"\x89PNG\r\n\x1a\n")
    file.seek(at)
    found: dict[bytes, bytes] = {}
    while len(head := file.read(8)) == 8:
        size, kind = struct.unpack(">I4s", head)
        if kind in (b"IDAT", b"IEND"):
            break
        found.setdefault(kind, file.read(min(size, 64)))
        at += 8 + size + 4  # and a checksum
        file.seek(at)
    return found


def png_frames(file: BinaryIO) -> int:
    """How many frames a PNG has, as its ``acTL`` says (PNG, third edition); 1 without one."""
    return max(1, int.from_bytes(png_head(file).get(b"acTL", b"")[:4], "big"))


def avif_frames(file: BinaryIO) -> int:
    """How many frames the longest track of an AVIF has (ISO/IEC 14496-12); 1 without a track."""
    file.seek(0)
    most = 1
    while len(head := file.read(8)) == 8:
        size, kind = struct.unpack(">I4s", head)
        if kind in _AROUND_TABLES:
            continue  # with the boxes inside
        if kind == b"stsz":
            most = max(most, int.from_bytes(file.read(12)[8:], "big"))
            size -= 12
        if size < 8:
            break
        file.seek(size - 8, os.SEEK_CUR)
    return most
