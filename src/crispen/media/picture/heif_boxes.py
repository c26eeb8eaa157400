"""The boxes of AVIF and HEIF (ISO/IEC 14496-12, 23008-12) that colour needs."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

_MOST_META_BYTES = 64 << 20


class Box(NamedTuple):
    """A box inside bytes: its kind, and where its content is."""

    kind: bytes
    start: int
    end: int


def boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    """The consecutive boxes from `start` to `end`; stops at damage."""
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1 and start + 16 <= end:
            (size,) = struct.unpack_from(">Q", data, start + 8)
            head = 16
        size = end - start if size == 0 else size
        if size < head or start + size > end:
            return
        yield Box(kind, start + head, start + size)
        start += size


def read_meta(file: BinaryIO) -> tuple[int, bytes]:
    """The offset and content of the file's ``meta`` box; empty if there is none."""
    end = file.seek(0, os.SEEK_END)
    at = 0
    while at + 8 <= end:
        file.seek(at)
        size, kind = struct.unpack(">I4s", file.read(8))
        head = 8
        if size == 1:
            size, head = int.from_bytes(file.read(8), "big"), 16
        size = end - at if size == 0 else size
        if size < head:
            break
        if kind == b"meta":
            return at + head, file.read(min(size - head, _MOST_META_BYTES))
        at += size
    return 0, b""


def colours(meta: bytes) -> list[Box]:
    """The ``colr`` boxes of the primary picture, or all if none is assigned to it."""
    found = _find(meta, 4, len(meta), b"iprp")
    if found is None:
        return []
    container = _find(meta, found.start, found.end, b"ipco")
    properties = list(boxes(meta, container.start, container.end)) if container else []
    own = _properties_of_primary(meta, found)
    chosen = [properties[i - 1] for i in own if 0 < i <= len(properties)] or properties
    return [box for box in chosen if box.kind == b"colr"]


def nclx(meta: bytes) -> Box | None:
    """The ``colr`` box of the primary picture that holds code points."""
    return next((b for b in colours(meta) if meta[b.start : b.start + 4] == b"nclx"), None)


def with_property(data: bytes, kind: bytes, content: bytes) -> bytes:
    """A whole AVIF with one more property for its primary picture.

    Raises:
        ValueError: It lacks the boxes of an AVIF.
    """
    meta = _find(data, 0, len(data), b"meta")
    found = _find(data, meta.start + 4, meta.end, b"iprp") if meta else None
    parts = {b.kind: b for b in boxes(data, found.start, found.end)} if found else {}
    primary = _find(data, meta.start + 4, meta.end, b"pitm") if meta else None
    if not (meta and found and primary and {b"ipco", b"ipma"} <= parts.keys()):
        raise ValueError("the AVIF just written has no properties")
    ipco, ipma = parts[b"ipco"], parts[b"ipma"]
    number = len(list(boxes(data, ipco.start, ipco.end))) + 1
    entry = _entry(data, ipma, _item(data, primary))
    wide = data[ipma.start + 3] & 1
    added = struct.pack(">I4s", 8 + len(content), kind) + content
    pointer = number.to_bytes(2 if wide else 1, "big")
    # From end to start, so that earlier offsets stay valid.
    patched = bytearray(data)
    patched[entry.end : entry.end] = pointer
    patched[entry.start] += 1
    patched[ipco.end : ipco.end] = added
    more = len(pointer) + len(added)
    for box, growth in ((ipma, len(pointer)), (ipco, len(added)), (found, more), (meta, more)):
        at = box.start - 8 + (len(added) if box == ipma and ipma.start > ipco.end else 0)
        struct.pack_into(">I", patched, at, box.end - box.start + 8 + growth)
    iloc = _find(data, meta.start + 4, meta.end, b"iloc")
    if iloc is not None:
        moved = iloc.start + (more if iloc.start > found.end else 0)
        _shift(patched, moved, more, beyond=meta.end)
    return bytes(patched)


def _shift(data: bytearray, at: int, more: int, *, beyond: int) -> None:
    """Adds `more` to the offsets in an ``iloc`` from `beyond` on."""
    for item in _located(data, at):
        for place in (item.base, *(e.place for e in item.extents if not item.based)):
            value = place.read(data)
            if item.inside_file and value >= beyond:
                place.write(data, value + more)


class Number(NamedTuple):
    """A big-endian number inside bytes."""

    at: int
    size: int

    def read(self, data: bytes | bytearray) -> int:
        """Its value; 0 if it has no size."""
        return int.from_bytes(data[self.at : self.at + self.size], "big")

    def write(self, data: bytearray, value: int) -> None:
        """Changes it.

        Raises:
            OverflowError: It has too few bytes.
        """
        data[self.at : self.at + self.size] = value.to_bytes(self.size, "big")


class Extent(NamedTuple):
    """Where a piece of an item is, according to an ``iloc``."""

    place: Number
    length: Number


class Located(NamedTuple):
    """What an ``iloc`` says about an item."""

    item: int
    inside_file: bool
    base: Number
    based: bool
    extents: list[Extent]


def _located(data: bytes | bytearray, at: int) -> Iterator[Located]:
    """The items of the ``iloc`` box whose content begins at `at`."""
    version = data[at]
    offset_size, length_size = data[at + 4] >> 4, data[at + 4] & 15
    base_size, index_size = data[at + 5] >> 4, data[at + 5] & 15
    index_size = index_size if version else 0
    id_size = 4 if version == 2 else 2
    items = Number(at + 6, id_size).read(data)
    at += 6 + id_size
    for _ in range(items):
        item = Number(at, id_size).read(data)
        at += id_size
        inside_file = True
        if version:
            inside_file = data[at + 1] & 15 == 0
            at += 2
        at += 2
        base = Number(at, base_size)
        at += base_size
        count = Number(at, 2).read(data)
        at += 2
        extents = []
        for _ in range(count):
            at += index_size
            extents.append(Extent(Number(at, offset_size), Number(at + offset_size, length_size)))
            at += offset_size + length_size
        yield Located(item, inside_file, base, bool(base.read(data)), extents)


def exif_place(meta: bytes) -> Located | None:
    """Where a ``meta`` box says EXIF is; None if it is not in one piece of the file."""
    iinf, iloc = (_find(meta, 4, len(meta), kind) for kind in (b"iinf", b"iloc"))
    if iinf is None or iloc is None:
        return None
    first = iinf.start + (8 if meta[iinf.start] else 6)
    for info in boxes(meta, first, iinf.end):
        size = 4 if meta[info.start] > 2 else 2
        item = Number(info.start + 4, size).read(meta)
        kind = meta[info.start + 6 + size : info.start + 10 + size]
        if kind != b"Exif":
            continue
        for located in _located(meta, iloc.start):
            if located.item == item and located.inside_file and len(located.extents) == 1:
                return located
    return None


def _item(data: bytes, pitm: Box) -> int:
    wide = data[pitm.start] > 0
    return int(struct.unpack_from(">I" if wide else ">H", data, pitm.start + 4)[0])


def _find(data: bytes, start: int, end: int, kind: bytes) -> Box | None:
    return next((box for box in boxes(data, start, end) if box.kind == kind), None)


def _properties_of_primary(meta: bytes, iprp: Box) -> list[int]:
    """Which properties belong to the primary item, counted from 1; empty if nothing says so."""
    pitm = _find(meta, 4, len(meta), b"pitm")
    ipma = _find(meta, iprp.start, iprp.end, b"ipma")
    if pitm is None or ipma is None:
        return []
    try:
        entry = _entry(meta, ipma, _item(meta, pitm))
    except (struct.error, IndexError, ValueError):
        return []  # damaged: the decoder reports it
    step, mask = (2, 0x7FFF) if meta[ipma.start + 3] & 1 else (1, 0x7F)
    places = range(entry.start + 1, entry.end, step)
    return [int.from_bytes(meta[at : at + step], "big") & mask for at in places]


def _entry(data: bytes, ipma: Box, item: int) -> Box:
    """Where an ``ipma`` box lists an item's properties: their number, then the properties.

    Raises:
        ValueError: It does not.
    """
    version, flags = data[ipma.start], data[ipma.start + 3]
    (entries,) = struct.unpack_from(">I", data, ipma.start + 4)
    at = ipma.start + 8
    step = 2 if flags & 1 else 1
    for _ in range(entries):
        (this,) = struct.unpack_from(">I" if version else ">H", data, at)
        at += 4 if version else 2
        end = at + 1 + step * data[at]
        if this == item:
            return Box(b"ipma", at, end)
        at = end
    raise ValueError("no properties")
