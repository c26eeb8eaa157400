"""Chooses the main picture of a TIFF, and reads what its tags say about its samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from crispen.media.picture import exif_orientation, tiff
from crispen.media.picture.tiff import Directory
from crispen.media.picture.vips import NotUnderstood

_FLOAT = 3
_SENSOR = (32803, 34892)  # colour filter array and linear raw, TIFF/EP and DNG
_WHITES = (255.0, 1023.0, 4095.0, 16383.0, 65535.0)


@dataclass(frozen=True, slots=True)
class Choice:
    """A picture inside a TIFF.

    Attributes:
        page: Its position in the chain, as libvips counts.
        sub: Its position among that page's sub-directories; -1 for the page itself.
        pages: How many there are, without previews.
        orientation: 1 to 8.
        white: The float sample value of white.
        profile: It holds an ICC profile.
        sized: Its resolution has a unit.
        raw: It is camera sensor data, not yet a picture.
        notes: What was decided.
    """

    page: int = 0
    sub: int = -1
    pages: int = 1
    orientation: int = 1
    white: float = 1.0
    profile: bool = False
    sized: bool = True
    raw: bool = False
    notes: tuple[str, ...] = ()


def choose(file: BinaryIO) -> Choice:
    """The first picture; the largest one that is not a preview if the first is a preview.

    Raises:
        NotUnderstood: Its samples are of an unsupported kind.
    """
    found = tiff.directories(file)
    if not found:
        return Choice()
    if any(d.number(file, tiff.PHOTOMETRIC) in _SENSOR and not d.reduced(file) for d in found):
        return Choice(raw=True)
    first = found[0]
    chosen = first
    whole = [d for d in found if not d.reduced(file)]
    own = [d for d in whole if d.page == 0]
    notes: tuple[str, ...] = ()
    candidates = whole if first.reduced(file) else own
    largest = max(candidates, key=lambda d: _pixels(d, file), default=first)
    if _pixels(largest, file) > _pixels(first, file):
        chosen = largest
        notes = ("its first picture is a preview; the largest one was used",)
    if chosen.number(file, tiff.SAMPLE_FORMAT) == _FLOAT:
        _check_float(chosen.whole(file, tiff.BITS, 32))
    pages = sum(d.sub < 0 for d in whole)
    if chosen is not first and chosen.page == 0:
        pages = max(1, pages)
    turned = chosen if tiff.ORIENTATION in chosen.entries else first
    return Choice(
        chosen.page,
        chosen.sub,
        max(1, pages),
        exif_orientation.sensible(turned.number(file, tiff.ORIENTATION, 1)),
        _white(chosen, file),
        profile=tiff.ICC in chosen.entries,
        sized=chosen.number(file, tiff.RESOLUTION_UNIT, 2) != 1,
        notes=notes,
    )


def _check_float(bits: int) -> None:
    if bits != 32:
        raise NotUnderstood(
            f"it stores floating-point samples of {bits} bits, and only those of 32 are read",
            "save it in 16 bits, or in 32-bit floating point, with the program that made it",
        )


def _pixels(directory: Directory, file: BinaryIO) -> float:
    return directory.number(file, tiff.WIDTH) * directory.number(file, tiff.HEIGHT)


def _white(directory: Directory, file: BinaryIO) -> float:
    """SMaxSampleValue, if it is a full range and not the brightest sample."""
    if directory.number(file, tiff.SAMPLE_FORMAT) != _FLOAT:
        return 1.0
    stated = directory.number(file, tiff.LARGEST)
    return stated if stated in _WHITES else 1.0
