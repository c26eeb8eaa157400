"""EXIF and XMP, as far as rotating a picture upright changes them."""

from __future__ import annotations

import io
import re
import struct

from crispen.media.picture.tiff import EXIF, ORIENTATION, Directory, Entry, directories, linked

_PREFIX = b"Exif\0\0"
_COLOR_SPACE, _INTEROPERABILITY, _INDEX = 0xA001, 0xA005, 1
_MAKERS_NOTES = 0x927C
_THUMBNAIL, _THUMBNAIL_BYTES = 0x0201, 0x0202
# Whole numbers of any width: readers differ in what they accept, and files hold all of them.
_NUMBERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}
_XMP_PREFIXES = re.compile(rb"""\bxmlns:([\w.-]+)\s*=\s*["']http://ns\.adobe\.com/tiff/1\.0/["']""")


def orientation(exif: bytes) -> int | None:
    """How the picture is stored, 1 (upright) to 8; None if `exif` does not say so.

    Source: EXIF 2.32, tag 0x0112; of any type of whole number and any count, the first one counts.
    """
    stream, found = _directory(exif)
    if found is None or _stated(found) is None:
        return None
    return sensible(found.number(stream, ORIENTATION))


def is_adobe_rgb(exif: bytes) -> bool:
    """Whether a camera says that colours are Adobe RGB, which it does without a profile.

    Source: DCF 2.0, "optional colour space": colour space uncalibrated, interoperability R03.
    """
    stream, found = _directory(exif)
    inner = linked(stream, found, EXIF) if found else None
    if inner is None or inner.number(stream, _COLOR_SPACE) not in (2, 0xFFFF):
        return False
    index = linked(stream, inner, _INTEROPERABILITY)
    return index is not None and index.text(stream, _INDEX) == "R03"


def has_makers_notes(exif: bytes) -> bool:
    """Whether it holds data that only the camera's maker can read."""
    stream, found = _directory(exif)
    inner = linked(stream, found, EXIF) if found else None
    return inner is not None and _MAKERS_NOTES in inner.entries


def sensible(number: float) -> int:
    """`number` as an orientation; an invalid one counts as upright.

    >>> sensible(6), sensible(0), sensible(90)
    (6, 1, 1)
    """
    return int(number) if number in range(1, 9) else 1


def upright(exif: bytes) -> bytes:
    """`exif` with its orientation set to 1 ("as stored"); everything else stays byte for byte.

    Damaged EXIF is returned unchanged: it never stops a picture from being read.
    """
    _, found = _directory(exif)
    entry = _stated(found) if found else None
    if found is None or entry is None:
        return exif
    code = f"{found.order}{entry.count}{_NUMBERS[entry.kind]}"
    at = entry.at + _start(exif)
    if at + struct.calcsize(code) > len(exif):
        return exif
    patched = bytearray(exif)
    struct.pack_into(code, patched, at, *([1] * entry.count))
    return bytes(patched)


def for_result(exif: bytes, width: int, height: int) -> bytes:
    """`exif` adapted to a result: with its size, and without the old thumbnail.

    Nothing is moved: makers' notes stay readable, as their offsets count from the start.
    """
    start = _start(exif)
    stream, found = _directory(exif)
    if found is None:
        return exif
    patched = bytearray(exif)
    inner = linked(stream, found, EXIF)
    below = linked(stream, inner, _INTEROPERABILITY) if inner else None
    for directory, wide, high in ((found, 256, 257), (inner, 0xA002, 0xA003), (below, 4097, 4098)):
        for tag, value in ((wide, width), (high, height)):
            entry = directory.entries.get(tag) if directory else None
            code = {3: "H", 4: "I"}.get(entry.kind) if entry else None
            if entry is None or code is None or (code == "H" and value > 0xFFFF):
                continue
            if entry.count == 1 and start + entry.at + 4 <= len(exif):
                struct.pack_into(f"{found.order}{code}", patched, start + entry.at, value)
    return bytes(_without_thumbnail(patched, start, stream, found))


def _without_thumbnail(
    exif: bytearray, start: int, stream: io.BytesIO, first: Directory
) -> bytearray:
    second = next((d for d in directories(stream) if d.page == 1 and d.sub < 0), None)
    stream.seek(4)
    at = start + int.from_bytes(stream.read(4), "little" if first.order == "<" else "big")
    if second is None or at + 2 > len(exif):
        return exif
    (count,) = struct.unpack_from(f"{first.order}H", exif, at)
    link = at + 2 + 12 * count
    if link + 4 > len(exif):
        return exif
    struct.pack_into(f"{first.order}I", exif, link, 0)
    place = second.whole(stream, _THUMBNAIL)
    size = second.whole(stream, _THUMBNAIL_BYTES)
    if place <= 0 or size <= 0:
        return exif
    begin, end = start + place, min(start + place + size, len(exif))
    if end >= len(exif) - 1:
        return exif[:begin]
    exif[begin:end] = bytes(max(0, end - begin))
    return exif


def upright_xmp(xmp: bytes) -> bytes:
    """`xmp` with its orientation set to 1; everything else stays byte for byte.

    >>> upright_xmp(b'<rdf:Description tiff:Orientation="6"/>')
    b'<rdf:Description tiff:Orientation="1"/>'
    """
    prefixes = {b"tiff", *_XMP_PREFIXES.findall(xmp)}
    names = b"|".join(re.escape(p) for p in sorted(prefixes))
    # As an attribute or as an element.
    stated = rb"""(<(?:%s):Orientation\b[^>]*>\s*|\b(?:%s):Orientation\s*=\s*["'])[2-8]\b"""
    return re.sub(stated % (names, names), rb"\g<1>1", xmp)


def _start(exif: bytes) -> int:
    return len(_PREFIX) if exif.startswith(_PREFIX) else 0


def _directory(exif: bytes) -> tuple[io.BytesIO, Directory | None]:
    stream = io.BytesIO(exif[_start(exif) :])
    return stream, next(iter(directories(stream)), None)


def _stated(directory: Directory) -> Entry | None:
    """The orientation's entry, if its form is supported."""
    entry = directory.entries.get(ORIENTATION)
    good = entry is not None and entry.kind in _NUMBERS and 0 < entry.count <= 16
    return entry if good else None
