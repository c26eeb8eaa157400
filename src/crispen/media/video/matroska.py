"""What Matroska files say of a picture's shape and PyAV neither reads nor writes.

The pixel aspect ratio is written into a finished file: the muxer gets a track name with padding,
and the ratio takes that room afterwards, so that nothing in the file moves.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

# IDs of RFC 9559.
_SEGMENT, _TRACKS, _ENTRY, _NAME, _VIDEO = 0x18538067, 0x1654AE6B, 0xAE, 0x536E, 0xE0
_WIDTH, _HEIGHT = 0xB0, 0xBA
_SHOWN_WIDTH, _SHOWN_HEIGHT, _SHOWN_UNIT = 0x54B0, 0x54BA, 0x54B2
_CROPS = (0x54BB, 0x54AA, 0x54CC, 0x54DD)  # top, bottom, left, right
_SHOWN = (_SHOWN_WIDTH, _SHOWN_HEIGHT, _SHOWN_UNIT)
_CHECKSUM, _VOID = 0xBF, 0xEC
_RATIO = 3
_HEAD_BYTES = 1 << 20

ROOM = "\N{NO-BREAK SPACE}" * 16
"""What the name of the picture's track ends with before `set_pixel_aspect`."""


def set_pixel_aspect(path: Path, aspect: Fraction) -> bool:
    """Write the pixel aspect ratio (width over height) into the track that has room for it.

    Args:
        path: A finished file.
        aspect: The ratio.

    Returns:
        Whether it was written.
    """
    with path.open("r+b") as file:
        head = file.read(_HEAD_BYTES)
        found = _tracks(head)
        if found is None:
            return False
        begin, end = found
        tracks = _with_aspect(head[begin:end], aspect)
        if len(tracks) != end - begin or tracks == head[begin:end]:
            return False
        file.seek(begin)
        file.write(tracks)
    return True


class Margins(NamedTuple):
    """Rows and columns at each edge of a picture that players hide."""

    top: int
    bottom: int
    left: int
    right: int


def margins_of(path: Path, number: int) -> Margins | None:
    """The margins of a track; None if it has none.

    Args:
        path: A Matroska file.
        number: Which of its tracks, from 0.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    try:
        begin, end = _tracks(head) or (0, 0)
        entries = [e for e in _elements(head, begin, end) if e[0] == _ENTRY]
        for kind, _, start, stop in _elements(head, *entries[number][2:]):
            if kind == _VIDEO:
                found = {n: head[a:b] for n, _, a, b in _elements(head, start, stop)}
                margins = Margins(*(int.from_bytes(found.get(n, b""), "big") for n in _CROPS))
                return margins if any(margins) else None
    except IndexError:  # damaged, or no such track
        pass
    return None


def _tracks(head: bytes) -> tuple[int, int] | None:
    """Where the descriptions of all tracks begin and end."""
    for number, _, start, end in _elements(head, 0, len(head)):
        if number != _SEGMENT:
            continue
        for inner, _, begin, stop in _elements(head, start, min(end, len(head))):
            if inner == _TRACKS:
                return (begin, stop) if stop <= len(head) else None
    return None


def _with_aspect(tracks: bytes, aspect: Fraction) -> bytes:
    parts = []
    for number, begin, start, end in _elements(tracks, 0, len(tracks)):
        if number == _ENTRY and ROOM.encode() in tracks[start:end]:
            parts.append(_fitted(_described(tracks[start:end], aspect), end - begin))
        elif number != _CHECKSUM:
            parts.append(tracks[begin:end])
    content = b"".join(parts)
    if tracks[0] != _CHECKSUM:
        return content
    return _element(_CHECKSUM, zlib.crc32(content).to_bytes(4, "little")) + content


def _described(entry: bytes, aspect: Fraction) -> bytes:
    """One track with the aspect ratio and without the room."""
    parts = []
    for number, begin, start, end in _elements(entry, 0, len(entry)):
        body = entry[start:end]
        if number == _NAME:
            name = body.decode().replace(ROOM, "")
            parts += [_element(_NAME, name.encode())] if name else []
        elif number == _VIDEO:
            # The muxer writes that the size shown is unknown.
            rest = (body[a:c] for n, a, _, c in _elements(body, 0, len(body)) if n not in _SHOWN)
            parts.append(_element(_VIDEO, b"".join(rest) + _shape(body, aspect)))
        else:
            parts.append(entry[begin:end])
    return b"".join(parts)


def _shape(video: bytes, aspect: Fraction) -> bytes:
    sizes = {n: int.from_bytes(video[a:b], "big") for n, _, a, b in _elements(video, 0, len(video))}
    width, height = sizes[_WIDTH] * aspect, sizes[_HEIGHT]
    if width.denominator == 1:
        return _number(_SHOWN_WIDTH, int(width)) + _number(_SHOWN_HEIGHT, height)
    ratio = width / height
    return (
        _number(_SHOWN_WIDTH, ratio.numerator)
        + _number(_SHOWN_HEIGHT, ratio.denominator)
        + _number(_SHOWN_UNIT, _RATIO)
    )


def _fitted(entry: bytes, size: int) -> bytes:
    """A track padded to a given size."""
    for places in range(1, 9):  # lengths can take more bytes than necessary
        spare = size - 1 - places - len(entry)
        # The largest length means "unknown".
        if (spare == 0 or 2 <= spare < 128) and size - 1 - places < (1 << 7 * places) - 1:
            void = _element(_VOID, bytes(spare - 2)) if spare else b""
            return _element(_ENTRY, entry + void, places)
    return b""


def _number(number: int, value: int) -> bytes:
    return _element(number, value.to_bytes(max(1, math.ceil(value.bit_length() / 8)), "big"))


def _element(number: int, body: bytes, places: int = 0) -> bytes:
    """An element of EBML (RFC 8794); its length takes the fewest bytes by default."""
    name = number.to_bytes(math.ceil(number.bit_length() / 8), "big")
    places = places or next(n for n in range(1, 9) if len(body) < (1 << 7 * n) - 1)
    return name + (len(body) | 1 << 7 * places).to_bytes(places, "big") + body


def _elements(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Each element's number, and the offsets of its start, its content and its end."""
    while at < end and data[at]:
        begin = at
        places = 9 - data[at].bit_length()
        number = int.from_bytes(data[at : at + places], "big")
        at += places
        if at >= end or not data[at]:
            return
        places = 9 - data[at].bit_length()
        length = int.from_bytes(data[at : at + places], "big") & ((1 << 7 * places) - 1)
        at += places
        unknown = length == (1 << 7 * places) - 1
        stop = end if unknown else at + length
        yield number, begin, at, stop
        at = stop
