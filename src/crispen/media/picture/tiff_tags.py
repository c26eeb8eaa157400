"""Converts a TIFF's tags to EXIF and back.

EXIF is a TIFF without pixels: its first directory describes the picture and points to two others,
for exposure and location. In a TIFF these are among the tags of the pixels.
"""

from __future__ import annotations

import io
import os
import struct
from typing import BinaryIO, NamedTuple

import numpy as np

from crispen.media.picture import tiff
from crispen.media.picture.texts import Texts, in_resources
from crispen.media.picture.tiff import EXIF, Directory

GPS, _IPTC, _PHOTOSHOP = 34853, 33723, 34377
# Document, description, make, model, page, software, date, artist, host, rating, copyright, and
# Windows' own title, comment, author, keywords and subject.
_DESCRIBING = (
    269,
    270,
    271,
    272,
    285,
    305,
    306,
    315,
    316,
    18246,
    18249,
    33432,
    *range(0x9C9B, 0x9CA0),
)
_GEO = {33550, 33922, 34264, 34735}
# Offsets to other data in the file, which is not copied: interoperability, and makers' notes,
# whose inner offsets are relative to their old position.
_PLACES = (0xA005, 0x927C)
_UNITS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 1, 7: 1, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4}
_MOST_BYTES = 1 << 20


class Value(NamedTuple):
    """One tag with its content: type, number of values, and bytes in its file's order."""

    tag: int
    kind: int
    number: int
    data: bytes


def in_tiff(file: BinaryIO) -> Texts:
    """EXIF, IPTC and Photoshop's resources of a TIFF's first picture."""
    first = next(iter(tiff.directories(file)), None)
    found = _values(file, first, first.order) if first else []
    by_tag = {value.tag: value.data for value in reversed(found)}
    iptc, photoshop = in_resources(by_tag.get(_PHOTOSHOP, b""))
    return Texts(
        iptc=by_tag.get(_IPTC, iptc),
        photoshop=photoshop,
        exif=as_exif(file),
        placed=not _GEO.isdisjoint(by_tag),
    )


def as_exif(file: BinaryIO) -> bytes | None:
    r"""What a TIFF says about its first picture, as EXIF from ``Exif\0\0`` on; None if nothing."""
    first = next(iter(tiff.directories(file)), None)
    if first is None:
        return None
    described, exposure, place = _collect(file, first, first.order)
    if not described and not exposure and not place:
        return None
    head = {"<": b"II*\0", ">": b"MM\0*"}[first.order]
    body, pointers = _sub_directories(exposure, place, first.order, 8, big=False)
    at = 8 + len(body)
    main = _packed([*described, *pointers], first.order, at, big=False)
    return b"Exif\0\0" + head + struct.pack(f"{first.order}I", at) + body + main


def add(
    file: BinaryIO, exif: bytes | None, iptc: bytes | None, photoshop: bytes | None = None
) -> None:
    """Writes EXIF, IPTC and Photoshop's resources into the first directory of a TIFF."""
    source = io.BytesIO((exif or b"").removeprefix(b"Exif\0\0"))
    found = next(iter(tiff.directories(source)), None)
    target = next(iter(tiff.directories(file)), None)
    if target is None:
        return
    order = target.order
    described, exposure, place = _collect(source, found, order) if found else ([], [], [])
    undefined = 7
    for tag, content in ((_IPTC, iptc), (_PHOTOSHOP, photoshop)):
        if content:
            described.append(Value(tag, undefined, len(content), content))
    file.seek(0)
    head = file.read(16)
    big = struct.unpack_from(f"{order}H", head, 2)[0] == 43
    pointer, code, width = (8, "Q", 20) if big else (4, "I", 12)
    (at,) = struct.unpack_from(f"{order}{code}", head, pointer)
    file.seek(at)
    count_code = "Q" if big else "H"
    (count,) = struct.unpack(f"{order}{count_code}", file.read(struct.calcsize(f"={count_code}")))
    table = file.read(count * width)
    there = {}
    for i in range(count):
        record = table[i * width : (i + 1) * width]
        there[struct.unpack_from(f"{order}H", record)[0]] = record
    end = file.seek(0, os.SEEK_END)
    padding = bytes(-end % 8)
    body, pointers = _sub_directories(exposure, place, order, end + len(padding), big=big)
    at = end + len(padding) + len(body)
    new = [value for value in (*described, *pointers) if value.tag not in there]
    main = _packed(new, order, at, big=big, there=there)
    file.write(padding + body + main)
    file.seek(pointer)
    file.write(struct.pack(f"{order}{code}", at))
    file.flush()


def _collect(
    file: BinaryIO, first: Directory, order: str
) -> tuple[list[Value], list[Value], list[Value]]:
    """The tags that describe the picture, its exposure and its location."""
    exposure, place = (tiff.linked(file, first, tag) for tag in (EXIF, GPS))
    return (
        [v for v in _values(file, first, order) if v.tag in _DESCRIBING],
        [v for v in _values(file, exposure, order) if v.tag not in _PLACES] if exposure else [],
        _values(file, place, order) if place else [],
    )


def _values(file: BinaryIO, directory: Directory, order: str) -> list[Value]:
    found = []
    for tag, entry in directory.entries.items():
        unit = _UNITS.get(entry.kind)
        size = (unit or 0) * entry.count * (2 if entry.kind in (5, 10) else 1)
        if unit is None or not 0 < size <= _MOST_BYTES:
            continue
        file.seek(entry.at)
        data = file.read(size)
        if len(data) < size:
            continue
        if order != directory.order and unit > 1:
            data = np.frombuffer(data, f"u{unit}").byteswap().tobytes()
        found.append(Value(tag, entry.kind, entry.count, data))
    return found


def _sub_directories(
    exposure: list[Value], place: list[Value], order: str, at: int, *, big: bool
) -> tuple[bytes, list[Value]]:
    """Both of them from `at` on, and the tags that point to them."""
    body, pointers = b"", []
    for tag, values in ((EXIF, exposure), (GPS, place)):
        if values:
            pointers.append(Value(tag, 4, 1, struct.pack(f"{order}I", at + len(body))))
            body += _packed(values, order, at + len(body), big=big)
    return body, pointers


def _packed(
    values: list[Value],
    order: str,
    at: int,
    *,
    big: bool,
    there: dict[int, bytes] | None = None,
) -> bytes:
    """A directory at `at`, followed by what does not fit into it."""
    count_code, long_code, inline = ("Q", "Q", 8) if big else ("H", "I", 4)
    records = dict(there or {})
    total = len(records) + len(values)
    width = 4 + 2 * struct.calcsize(f"={long_code}")
    beyond = at + struct.calcsize(f"={count_code}") + total * width + inline
    content = b""
    for value in values:
        if len(value.data) <= inline:
            where = value.data.ljust(inline, b"\0")
        else:
            content += bytes(-(beyond + len(content)) % 2)
            where = struct.pack(f"{order}{long_code}", beyond + len(content))
            content += value.data
        head = struct.pack(f"{order}HH{long_code}", value.tag, value.kind, value.number)
        records[value.tag] = head + where
    table = b"".join(records[tag] for tag in sorted(records))
    packed = struct.pack(f"{order}{count_code}", total) + table + bytes(inline) + content
    return packed + bytes(-len(packed) % 8)
