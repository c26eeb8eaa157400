"""Metadata that libvips does not write itself, or not byte for byte.

Chunks and segments belong near the start of a file: room for them is reserved before encoding
begins and filled afterwards, so that nothing is moved.
"""

from __future__ import annotations

import os
import re
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from crispen.media.picture import heif_boxes, tiff, tiff_tags, webp
from crispen.media.picture.cicp import Cicp
from crispen.media.picture.header import Metadata

_JPEG_HEAD = 2  # its start marker
_PNG_HEAD = 33  # signature and IHDR
_MOST_SEGMENT = 65_533
_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_MORE = b"http://ns.adobe.com/xmp/extension/\0"
_XMP_MORE_ID = re.compile(rb"""HasExtendedXMP(?:\s*=\s*["']|>\s*)([0-9A-Fa-f]{32})""")
_MORE_BYTES = 65_400
SRGB = Cicp(1, 13)


def insertion(format: str, meta: Metadata) -> tuple[int, bytes]:
    """The offset in the encoder's file at which to insert bytes, and those bytes."""
    if format == "jpeg":
        return _JPEG_HEAD, b"".join(_segment(*segment) for segment in _jpeg_segments(meta))
    if format == "png":
        return _PNG_HEAD, b"".join(_chunk(*chunk) for chunk in _png_chunks(meta))
    return 0, b""


def with_texts(png: bytes, texts: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """A PNG with text chunks at its start."""
    return png[:_PNG_HEAD] + b"".join(_chunk(*text) for text in texts) + png[_PNG_HEAD:]


def fits_jpeg(content: bytes | None) -> bool:
    """Whether EXIF, XMP, IPTC or Photoshop's resources fit into one segment."""
    return content is None or len(content) + len(_XMP) <= _MOST_SEGMENT


def _jpeg_segments(meta: Metadata) -> Iterator[tuple[int, bytes]]:
    unit = 0 if meta.dpi is None else 1  # nothing known; inches
    density = [min(max(round(n), 1), 65535) for n in meta.dpi or (1, 1)]
    yield 0xE0, struct.pack(">5sBBBHHBB", b"JFIF\0", 1, 1, unit, *density, 0, 0)
    if meta.exif and fits_jpeg(meta.exif):
        # PNG, WebP and others store it without this prefix.
        yield 0xE1, _EXIF + meta.exif.removeprefix(_EXIF)
    if meta.xmp and fits_jpeg(meta.xmp):
        yield 0xE1, _XMP + meta.xmp
        named = _XMP_MORE_ID.search(meta.xmp)
        if meta.xmp_more and named:
            for at in range(0, len(meta.xmp_more), _MORE_BYTES):
                place = struct.pack(">II", len(meta.xmp_more), at)
                part = meta.xmp_more[at : at + _MORE_BYTES]
                yield 0xE1, _XMP_MORE + named[1] + place + part
    record = b""
    if meta.iptc and fits_jpeg(meta.iptc):
        record = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(meta.iptc)) + meta.iptc
        record += bytes(len(record) % 2)
    other = meta.photoshop or b""
    together = [record + other] if fits_jpeg(record + other) else [record, other]
    for resources in filter(None, together):
        yield 0xED, b"Photoshop 3.0\0" + resources
    if meta.comment:
        for at in range(0, len(meta.comment), _MOST_SEGMENT):
            yield 0xFE, meta.comment[at : at + _MOST_SEGMENT]


def _png_chunks(meta: Metadata) -> Iterator[tuple[bytes, bytes]]:
    if meta.cicp == SRGB:  # the chunk that every reader knows
        yield b"sRGB", b"\0"
    elif meta.cicp is not None:
        yield b"cICP", bytes((*meta.cicp, 0, 1))
    if meta.exif:
        yield b"eXIf", meta.exif.removeprefix(_EXIF)
    if meta.xmp:
        yield b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + meta.xmp
    yield from meta.texts


def finish(file: BinaryIO, format: str, meta: Metadata, start: int) -> None:
    """Corrects what can only be corrected after encoding.

    Args:
        file: The encoded file.
        format: Its format.
        meta: The metadata it must hold.
        start: How many bytes were inserted near its start.
    """
    if format == "avif" and meta.cicp is not None:
        name_colours(file, meta.cicp)
    if format == "avif" and meta.exif is not None:
        _replace_exif(file, meta.exif.removeprefix(_EXIF))
    if format == "webp":
        file.seek(0)
        _write_at(file, 0, webp.with_notes(file.read(), meta.exif, meta.xmp))
    if format == "tiff" and (meta.exif or meta.iptc or meta.photoshop):
        tiff_tags.add(file, meta.exif, meta.iptc, meta.photoshop)
    if meta.dpi is None:
        _forget_resolution(file, format, start)


def _forget_resolution(file: BinaryIO, format: str, start: int) -> None:
    """Removes the 72 dpi that libvips writes if nothing is known."""
    if format == "png":
        file.seek(_PNG_HEAD + start)
        head = file.read(256)
        at = head.find(b"pHYs")
        if at > 0:
            _write_at(
                file, _PNG_HEAD + start + at - 4, _chunk(b"pHYs", struct.pack(">IIB", 1, 1, 0))
            )
    elif format == "tiff":
        for directory in tiff.directories(file):
            unit = directory.entries.get(tiff.RESOLUTION_UNIT)
            if unit is not None:
                _write_at(file, unit.at, struct.pack(f"{directory.order}H", 1))  # none


def insert(file: BinaryIO, head: int, data: bytes) -> None:
    """Inserts `data` after `head` bytes of a file that starts at ``len(data)``."""
    if not data:
        return
    descriptor = file.fileno()
    os.lseek(descriptor, len(data), os.SEEK_SET)
    start = os.read(descriptor, head)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, start + data)


def name_colours(file: BinaryIO, cicp: Cicp) -> None:
    """Writes `cicp` into the ``colr`` box of a new AVIF, after adding one if there is none."""
    start, meta = heif_boxes.read_meta(file)
    box = heif_boxes.nclx(meta)
    if box is not None:  # written by libheif for special matrices
        _write_at(file, start + box.start + 4, struct.pack(">HH", *cicp))
        return
    matrix, full = 6, 0x80  # as libheif encodes
    content = b"nclx" + struct.pack(">HHHB", *cicp, matrix, full)
    file.seek(0)
    whole = heif_boxes.with_property(file.read(), b"colr", content)
    _write_at(file, 0, whole)


def _replace_exif(file: BinaryIO, exif: bytes) -> None:
    """Replaces the EXIF that the encoder wrote into an AVIF by `exif`, byte for byte."""
    start, meta = heif_boxes.read_meta(file)
    located = heif_boxes.exif_place(meta)
    end = file.seek(0, os.SEEK_END)
    if located is None or end + 8 >= 1 << (8 * located.extents[0].place.size):
        raise ValueError("the AVIF just written has no place for EXIF")
    (extent,) = located.extents
    content = bytes(4) + exif  # number of bytes before its header: 0
    _write_at(file, end, struct.pack(">I4s", 8 + len(content), b"mdat") + content)
    for number, value in (
        (located.base, 0),
        (extent.place, end + 8),
        (extent.length, len(content)),
    ):
        _write_at(file, start + number.at, value.to_bytes(number.size, "big"))


def _write_at(file: BinaryIO, at: int, data: bytes) -> None:
    file.seek(at)
    file.write(data)
    file.flush()


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, 2 + len(content)) + content


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)
