"""The directories of a TIFF, or of EXIF, which is a TIFF without pixels.

Source: TIFF 6.0; TIFF/EP for the kinds of sub-directory; BigTIFF as in libtiff.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

SUBFILE, WIDTH, HEIGHT = 254, 256, 257
OLD_SUBFILE, COMPRESSION, PHOTOMETRIC = 255, 259, 262
MAKE, MODEL, ORIENTATION = 271, 272, 274
SUB_DIRECTORIES, SAMPLE_FORMAT, LARGEST = 330, 339, 341
ICC, EXIF, RESOLUTION_UNIT = 34675, 34665, 296
BITS = 258

_CODES = {1: "B", 2: "B", 3: "H", 4: "I", 5: "II", 6: "b", 7: "B", 8: "h", 9: "i", 10: "ii"}
_CODES |= {11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_MOST_DIRECTORIES = 4096
_MOST_VALUES = 1 << 16


@dataclass(frozen=True, slots=True)
class Entry:
    """One tag: the type and number of its values, and where they are in the file."""

    kind: int
    count: int
    at: int


@dataclass(frozen=True, slots=True)
class Directory:
    """One picture's tags.

    Attributes:
        order: ``<`` or ``>``, as in `struct`.
        entries: By tag.
        page: Position in the file's chain, from 0; its parent's for a sub-directory.
        sub: Position among its parent's sub-directories; -1 for one of the chain.
    """

    order: str
    entries: dict[int, Entry] = field(repr=False)
    page: int
    sub: int = -1

    def numbers(self, file: BinaryIO, tag: int) -> tuple[float, ...]:
        """The values of a tag; a fraction counts as one number. Empty if it is missing."""
        entry = self.entries.get(tag)
        code = _CODES.get(entry.kind) if entry else None
        if entry is None or code is None:
            return ()
        count = min(entry.count, _MOST_VALUES)
        size = struct.calcsize(f"={code}")
        file.seek(entry.at)
        data = file.read(count * size)
        flat = struct.unpack(
            f"{self.order}{code * (len(data) // size)}", data[: len(data) // size * size]
        )
        if len(code) == 2:
            return tuple(a / b if b else 0.0 for a, b in zip(flat[::2], flat[1::2], strict=True))
        return flat

    def number(self, file: BinaryIO, tag: int, otherwise: float = 0) -> float:
        """The first value of a tag."""
        return next(iter(self.numbers(file, tag)), otherwise)

    def wholes(self, file: BinaryIO, tag: int) -> tuple[int, ...]:
        """The values of a tag for places, sizes and flags, without any that cannot be one.

        A damaged file may have written them with a sign, or as fractions, infinite or no number.
        """
        return tuple(int(n) for n in self.numbers(file, tag) if n >= 0 and n % 1 == 0)

    def whole(self, file: BinaryIO, tag: int, otherwise: int = 0) -> int:
        """The first of these."""
        return next(iter(self.wholes(file, tag)), otherwise)

    def text(self, file: BinaryIO, tag: int) -> str:
        """The value of a text tag."""
        entry = self.entries.get(tag)
        if entry is None:
            return ""
        file.seek(entry.at)
        return file.read(min(entry.count, 256)).split(b"\0")[0].decode("latin-1").strip()

    def reduced(self, file: BinaryIO) -> bool:
        """Whether it is a preview of another picture, or a mask for one."""
        return bool(self.whole(file, SUBFILE) & 0b101) or self.number(file, OLD_SUBFILE) == 2


def linked(file: BinaryIO, parent: Directory, tag: int) -> Directory | None:
    """The directory that a tag of a classic TIFF's directory points to, such as EXIF's."""
    at = parent.whole(file, tag)
    entries = _read(file, at, parent.order, False)[0] if at else None
    return Directory(parent.order, entries, parent.page) if entries is not None else None


def directories(file: BinaryIO) -> list[Directory]:
    """All directories: each of the chain, followed by its sub-directories.

    Damage ends the list; a decoder will report it.
    """
    return list(_walk(file))


def _walk(file: BinaryIO) -> Iterator[Directory]:
    file.seek(0)
    head = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 8:
        return
    big = struct.unpack_from(f"{order}H", head, 2)[0] == 43
    if big and len(head) < 16:
        return
    (at,) = struct.unpack_from(f"{order}{'Q' if big else 'I'}", head, 8 if big else 4)
    seen: set[int] = set()
    page = 0
    while at and at not in seen and len(seen) < _MOST_DIRECTORIES:
        seen.add(at)
        entries, following = _read(file, at, order, big)
        if entries is None:
            return
        found = Directory(order, entries, page)
        yield found
        for sub, inner in enumerate(found.wholes(file, SUB_DIRECTORIES)):
            if inner in seen or len(seen) >= _MOST_DIRECTORIES:
                break
            seen.add(inner)
            below, _ = _read(file, inner, order, big)
            if below is not None:
                yield Directory(order, below, page, sub)
        at, page = following, page + 1


def _read(file: BinaryIO, at: int, order: str, big: bool) -> tuple[dict[int, Entry] | None, int]:
    """The entries of the directory at `at`, and where the next one is."""
    count_code, entry_size, inline = ("Q", 20, 8) if big else ("H", 12, 4)
    count_size = struct.calcsize(f"={count_code}")
    end = file.seek(0, os.SEEK_END)
    if at + count_size > end:
        return None, 0
    file.seek(at)
    (count,) = struct.unpack(f"{order}{count_code}", file.read(count_size))
    table = file.read(min(count, 65_535) * entry_size)
    entries: dict[int, Entry] = {}
    for i in range(len(table) // entry_size):
        tag, kind, number = struct.unpack_from(
            f"{order}HH{'Q' if big else 'I'}", table, i * entry_size
        )
        value = at + count_size + (i + 1) * entry_size - inline
        if struct.calcsize(f"={_CODES.get(kind, 'B')}") * number > inline:
            (value,) = struct.unpack_from(
                f"{order}{'Q' if big else 'I'}", table, (i + 1) * entry_size - inline
            )
        if value < end:  # no file can be read at any of the 64 bits that a BigTIFF may name
            entries.setdefault(tag, Entry(kind, number, value))
    link = file.read(inline)
    following = (
        struct.unpack(f"{order}{'Q' if big else 'I'}", link)[0] if len(link) == inline else 0
    )
    return entries, following
