"""EXIF and XMP in a WebP, byte for byte.

Source: RFC 9649, 2.7.
"""

from __future__ import annotations

import struct

_EXIF, _XMP, _ALPHA = 0x08, 0x04, 0x10


def with_notes(data: bytes, exif: bytes | None, xmp: bytes | None) -> bytes:
    """A WebP without EXIF and XMP, with them added.

    Args:
        data: The file.
        exif: As in ``Metadata.exif``.
        xmp: The packet.
    """
    if not exif and not xmp:
        return data
    chunks = list(_chunks(data))
    if chunks[0][0] != b"VP8X":
        chunks.insert(0, (b"VP8X", _extended(*chunks[0])))
    kind, head = chunks[0]
    flags = head[0] | (_EXIF if exif else 0) | (_XMP if xmp else 0)
    chunks[0] = (kind, bytes((flags,)) + head[1:])
    if exif:
        chunks.append((b"EXIF", exif.removeprefix(b"Exif\0\0")))
    if xmp:
        chunks.append((b"XMP ", xmp))
    body = b"".join(
        kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
        for kind, content in chunks
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    at, found = 12, []
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, at)
        found.append((kind, data[at + 8 : at + 8 + size]))
        at += 8 + size + size % 2
    return found


def _extended(kind: bytes, content: bytes) -> bytes:
    """The header to put before a simple picture."""
    if kind == b"VP8L":
        bits = int.from_bytes(content[1:5], "little")
        width, height = bits & 0x3FFF, bits >> 14 & 0x3FFF
        flags = _ALPHA if bits >> 28 & 1 else 0
    else:
        width, height = (n & 0x3FFF for n in struct.unpack_from("<HH", content, 6))
        width, height, flags = width - 1, height - 1, 0
    return bytes((flags, 0, 0, 0)) + width.to_bytes(3, "little") + height.to_bytes(3, "little")
