"""Writes the languages of tracks into a finished MOV, which FFmpeg's muxer does for a few alone.

It only knows QuickTime's own list, in which German is ``ger`` and Ukrainian, among others, is
missing. QuickTime also takes three letters of ISO 639-2/T in 15 bits [1]_, as MP4 does.

.. [1] QuickTime File Format, "Language code values", and ISO/IEC 14496-12, 8.4.2.3
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

_UNKNOWN = 0x7FFF
_LETTERS = 3


def set_languages(path: Path, languages: Sequence[str]) -> None:
    """Write the languages that the muxer has left out.

    Args:
        path: A finished file.
        languages: That of each track, in order, of three letters; an empty string if unknown.
    """
    with path.open("r+b") as file:
        end = file.seek(0, 2)
        tracks = (
            track
            for kind, *movie in _boxes(file, 0, end)
            if kind == b"moov"
            for kind, *track in _boxes(file, *movie)
            if kind == b"trak"
        )
        for (begin, stop), language in zip([*tracks], languages, strict=False):
            code = _packed(language)
            place = _language(file, begin, stop)
            if code is None or place is None:
                continue
            file.seek(place)
            if struct.unpack(">H", file.read(2))[0] == _UNKNOWN:
                file.seek(place)
                file.write(struct.pack(">H", code))


def _packed(language: str) -> int | None:
    """Five bits a letter; None if these are not three letters."""
    letters = [ord(letter) - 0x60 for letter in language]
    if len(letters) != _LETTERS or not all(1 <= n <= 26 for n in letters) or language == "und":
        return None
    return letters[0] << 10 | letters[1] << 5 | letters[2]


def _language(file: BinaryIO, begin: int, end: int) -> int | None:
    """Where a track's language is."""
    for kind, start, stop in _boxes(file, begin, end):
        if kind == b"mdia":
            for inner, at, _ in _boxes(file, start, stop):
                if inner == b"mdhd":
                    file.seek(at)
                    # Version and flags, then two times, the unit and the length.
                    return at + (4 + 28 if file.read(1) == b"\1" else 4 + 16)
    return None


def _boxes(file: BinaryIO, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Each box's name, and the offsets of its content and its end."""
    while at + 8 <= end:
        file.seek(at)
        length, kind = struct.unpack(">I4s", file.read(8))
        head = 8
        if length == 1:
            (length,) = struct.unpack(">Q", file.read(8))
            head = 16
        stop = at + length if length else end
        if (length and length < head) or stop > end:
            return
        yield kind, at + head, stop
        at = stop
