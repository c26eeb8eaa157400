"""Text in files (comments, IPTC, PNG text) that libvips does not pass on."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_XMP_KEY = b"XML:com.adobe.xmp\0"
_XMP_MORE = b"http://ns.adobe.com/xmp/extension/\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_IPTC_RESOURCE = 0x0404
# The Photoshop resources that are also true of an enlarged picture: copyright flag, URL, and paths,
# which are stored as fractions of the picture. Others are its resolution, thumbnail, layers, or a
# second copy of EXIF and XMP.
_KEPT_RESOURCES = {0x040A, 0x040B, 0x041E, 0x0BB7, *range(0x07D0, 0x0BB7)}
_MOST_BYTES = 16 << 20
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
# Written by libvips and ImageMagick instead of separate chunks.
_PROFILES = b"Raw profile type "


@dataclass(frozen=True, slots=True)
class Texts:
    """What was found; see `Metadata`.

    Attributes:
        placed: A TIFF says where on Earth its pixels are, which is not kept.
    """

    iptc: bytes | None = None
    photoshop: bytes | None = None
    comment: bytes | None = None
    xmp_more: bytes | None = None
    texts: tuple[tuple[bytes, bytes], ...] = ()
    exif: bytes | None = None
    placed: bool = False
    xmp: bytes | None = None


def in_jpeg(file: BinaryIO) -> Texts:
    """IPTC, comment and extended XMP of a JPEG.

    Source: ITU-T T.81, annex B; XMP specification, part 3, 1.1.3; Adobe Photoshop file format.
    """
    resources, comments, more = b"", [], dict[int, bytes]()
    for marker, content in jpeg_segments(file):
        if marker == 0xFE:
            comments.append(content)
        elif marker == 0xED and content.startswith(_PHOTOSHOP):
            resources += content[len(_PHOTOSHOP) :]  # one list, cut where a segment ends
        elif marker == 0xE1 and content.startswith(_XMP_MORE):
            place = len(_XMP_MORE) + 32 + 4
            if len(content) >= place + 4:
                more[int.from_bytes(content[place : place + 4], "big")] = content[place + 4 :]
    packet = b"".join(more[at] for at in sorted(more))
    iptc, photoshop = in_resources(resources)
    return Texts(iptc, photoshop, b"\n".join(comments) or None, packet or None)


def in_png(file: BinaryIO) -> Texts:
    """Text chunks of a PNG, and its EXIF and XMP, before or after its pixels."""
    texts, exif, xmp = [], None, None
    for kind, content in _png_chunks(file):
        if kind == b"eXIf":
            exif = exif or b"Exif\0\0" + content
        elif kind == b"iTXt" and content.startswith(_XMP_KEY):
            xmp = xmp or _international(content)
        elif not content.startswith(_PROFILES):
            texts.append((kind, content))
    return Texts(texts=tuple(texts), exif=exif, xmp=xmp)


def jpeg_segments(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The marker and content of each segment before the pixels; stops at damage."""
    file.seek(2)
    while len(head := file.read(4)) == 4 and head[0] == 0xFF:
        marker, size = struct.unpack(">xBH", head)
        if marker == 0xDA or size < 2:
            return
        yield marker, file.read(size - 2)


def text_keys(texts: tuple[tuple[bytes, bytes], ...]) -> list[str]:
    """The distinct names of text chunks."""
    names = (content.split(b"\0")[0].decode("latin-1") for _, content in texts)
    return list(dict.fromkeys(names))


def _png_chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """The chunks that hold text, wherever they are."""
    at = len(b"\x89PNG\r\n\x1a\n")
    file.seek(at)
    while len(head := file.read(8)) == 8:
        size, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            return
        if kind in (*_TEXTS, b"eXIf") and size <= _MOST_BYTES:
            yield kind, file.read(size)
        at += 12 + size
        file.seek(at)


def _international(content: bytes) -> bytes | None:
    """The text of an iTXt chunk, in UTF-8."""
    _, _, rest = content.partition(b"\0")
    if len(rest) < 2:
        return None
    packed = rest[0] == 1
    parts = rest[2:].split(b"\0", 2)
    if len(parts) < 3:
        return None
    if not packed:
        return parts[2]
    try:
        return zlib.decompressobj().decompress(parts[2], _MOST_BYTES)
    except zlib.error:
        return None


def in_resources(resources: bytes) -> tuple[bytes | None, bytes | None]:
    """The IPTC record in Photoshop's image resources, and the other resources that are kept."""
    iptc, kept, at = None, b"", 0
    while resources[at : at + 4] == b"8BIM" and at + 12 <= len(resources):
        start = at
        (number,) = struct.unpack_from(">H", resources, at + 4)
        name = resources[at + 6] + 1
        at += 6 + name + name % 2
        size = int.from_bytes(resources[at : at + 4], "big")
        content = resources[at + 4 : at + 4 + size]
        at += 4 + size + size % 2
        if number == _IPTC_RESOURCE:
            iptc = iptc or content
        elif number in _KEPT_RESOURCES and at <= len(resources):
            kept += resources[start:at]
    return iptc, kept or None
