"""What libvips does not write into a file by itself: a resolution in JPEG, code points of colours.

Chunks and segments go in near the start of a file: room for them is left before the encoder begins,
and filled afterwards, so that nothing is moved.
"""

from __future__ import annotations

import os
import struct
import zlib
from typing import BinaryIO

from crispen.media import _boxes, _jpeg
from crispen.media._cicp import Cicp
from crispen.media._header import Metadata

_JPEG_HEAD = 2  # its start mark
_PNG_HEAD = 33  # signature and IHDR
SRGB = Cicp(1, 13)


def insertion(format: str, meta: Metadata, *, strip: bool) -> tuple[int, bytes]:
    """After how many bytes of the encoder's file something goes in, and what."""
    if format == "jpeg" and meta.dpi is not None and not meta.exif and not strip:
        # libvips states it only along with an EXIF, and makes one up where there is none.
        return _JPEG_HEAD, _jpeg.opening(meta.dpi)[_JPEG_HEAD:]
    if format == "png" and meta.cicp is not None:
        if meta.cicp == SRGB:  # in the chunk that every reader knows
            return _PNG_HEAD, _chunk(b"sRGB", b"\0")
        return _PNG_HEAD, _chunk(b"cICP", bytes((*meta.cicp, 0, 1)))
    return 0, b""


def insert(file: BinaryIO, head: int, data: bytes) -> None:
    """Puts `data` after `head` bytes of a file that starts at ``len(data)``."""
    if not data:
        return
    descriptor = file.fileno()
    os.lseek(descriptor, len(data), os.SEEK_SET)
    start = os.read(descriptor, head)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, start + data)


def name_colours(file: BinaryIO, cicp: Cicp) -> None:
    """Makes the ``colr`` box of a fresh AVIF say `cicp`, after adding one where there is none."""
    start, meta = _boxes.read_meta(file)
    box = _boxes.nclx(meta)
    if box is not None:  # written by libheif where the matrix is a special one
        _write_at(file, start + box.start + 4, struct.pack(">HH", *cicp))
        return
    matrix, full = 6, 0x80  # as libheif encodes
    content = b"nclx" + struct.pack(">HHHB", *cicp, matrix, full)
    file.seek(0)
    whole = _boxes.with_property(file.read(), b"colr", content)
    _write_at(file, 0, whole)


def _write_at(file: BinaryIO, at: int, data: bytes) -> None:
    file.seek(at)
    file.write(data)
    file.flush()


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)
