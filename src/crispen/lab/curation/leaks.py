"""Training pictures that are test pictures, contain parts of them, or are parts of them.

Two steps: perceptual hashes of squares of many sizes and places find candidates, mirrored ones too;
then the square of the one is moved and scaled over the other until their means correlate best, and
the differences between neighbouring means decide: two hazy skies are alike but for these. A
part of 0.4 or more of a picture's shorter side is found. Recompression and scaling do not matter;
turning by 90 degrees hides a picture, and so does a strong change of its brightness.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from crispen.lab.curation.fingerprints import (
    Bytes,
    Floats,
    Hashes,
    Square,
    Sums,
    bits_between,
    correlation,
    hashes,
    thumbnail,
)
from crispen.lab.curation.places import Place, find_pictures, find_tests
from crispen.lab.data.sources import Failures, for_each
from crispen.progress import Progress
from crispen.stores.opening import Stores

How = Literal["same", "part", "contains", "overlaps"]

# The squares of one picture are looked for among those of the other: few of a picture that may be
# a part, many, a factor of 2**(1/4) apart, of one that may contain it. With these strides and bits,
# 79 of 80 crops of Set14 (40 % and more, scaled to 0.6, JPEG of quality 60) become candidates.
_FEW, _FEW_STRIDE = (1.0, 0.5), 0.5
_MANY, _MANY_STRIDE = tuple(2 ** (-k / 4) for k in range(7)), 1 / 8
_NEAR_BITS = 14
# Differences of 98 % of crops of Set14 (40 % and more, scaled to 0.4 to 0.8, JPEG of quality 20 to
# 70) correlate with 0.95 or more, of the worst unlike pair of Set5 and Set14 with 434 others 0.80.
_ALIKE = 0.88
# Means that correlate less than this after one round of moving are given up.
_HOPELESS = 0.6
_CELLS, _ROUNDS = 24, 5
# Shares of the area that make two pictures the same, or one a part of the other.
_SAME, _INSIDE = 0.85, 0.95


@dataclass(frozen=True)
class Leak:
    """A picture and the test picture that it shares something with.

    Attributes:
        file: The picture's path or address.
        test: The test picture's.
        how: ``same``; ``part``: of the test picture; ``contains``: the test picture; ``overlaps``.
        mirrored: One is the other's mirror image.
        correlation: Of the differences between neighbouring parts of the shared square, 0 to 1.
    """

    file: str
    test: str
    how: How
    mirrored: bool
    correlation: float

    def facts(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "file": self.file,
            "test": self.test,
            "how": self.how,
            "mirrored": self.mirrored,
            "correlation": round(self.correlation, 3),
        }


@dataclass(frozen=True, eq=False)
class _Marks:
    """Squares of a picture with their hashes."""

    squares: Sequence[Square]
    hashes: Hashes


@dataclass(frozen=True, eq=False)
class _Known:
    """A picture and its squares.

    Attributes:
        name: Its path or address.
        key: Equal for one file.
        small: See `thumbnail`.
        few: Squares that may be found in another picture.
        many: Squares that another picture may be.
        few_mirrored: Of its mirror image, what `few` is of itself.
    """

    name: str
    key: str
    small: Bytes
    few: _Marks
    many: _Marks
    few_mirrored: _Marks


@dataclass(frozen=True)
class Comparison:
    """What was compared, and what was found.

    Attributes:
        leaks: By file and test picture.
        pictures: Number of pictures that can be trained on.
        tests: Number of test pictures.
    """

    leaks: list[Leak]
    pictures: int
    tests: int


def find_leaks(
    folders: Sequence[str | Path],
    against: Sequence[str | Path],
    *,
    skip_unreadable: bool = False,
    workers: int = 2,
    progress: Progress | None = None,
) -> Comparison:
    """Pictures that share something with test pictures.

    Args:
        folders: The training pictures: folders, searched recursively, files and addresses.
        against: The test pictures: the same, and test sets by name; see `find_tests`.
        skip_unreadable: Leave out pictures that cannot be read.
        workers: Threads.
        progress: Receives progress events.

    Returns:
        A file that is on both sides is not compared with itself.

    Raises:
        MissingInput: A place does not exist.
        InputError: One has no pictures, or unreadable ones.
        UsageError: An address of the web names no picture.
    """
    progress = progress or Progress()
    with Stores(progress) as stores:
        # A wrong place is reported before the others are read.
        own = [find_pictures(str(text), stores, progress) for text in folders]
        theirs = [find_tests(str(text), stores, progress) for text in against]
        pictures, tests = (
            _read_all(places, skip=skip_unreadable, workers=workers, progress=progress)
            for places in (own, theirs)
        )
    compared = for_each(
        lambda index: _compared(pictures, tests[index]),
        range(len(tests)),
        Failures(),
        workers=workers,
        what="comparing with test pictures",
        progress=progress,
    )
    leaks = [leak for found in compared.values() for leak in found]
    leaks.sort(key=lambda leak: (leak.file, leak.test))
    return Comparison(leaks, len(pictures), len(tests))


def _read_all(
    places: Sequence[Place], *, skip: bool, workers: int, progress: Progress
) -> list[_Known]:
    """The pictures of all places, each file once."""
    found: dict[str, _Known] = {}
    for place in places:
        failures = Failures()
        wanted = [i for i, key in enumerate(place.keys) if key not in found]
        known = for_each(
            functools.partial(_known, place),
            wanted,
            failures,
            workers=workers,
            what=f"looking at {place.shown}",
            progress=progress,
        )
        failures.refuse(place.shown, skip=skip, how="leave them out with --skip-unreadable")
        found |= {place.keys[i]: known[i] for i in sorted(known)}
    return list(found.values())


def _known(place: Place, index: int) -> _Known:
    small = thumbnail(place.read(index).as_rgb8())
    sums = Sums(small)
    return _Known(
        place.names[index],
        place.keys[index],
        small,
        few=_marks(sums, _FEW, _FEW_STRIDE),
        many=_marks(sums, _MANY, _MANY_STRIDE),
        few_mirrored=_marks(Sums(small[:, ::-1]), _FEW, _FEW_STRIDE),
    )


def _marks(sums: Sums, sizes: Sequence[float], stride: float) -> _Marks:
    found: list[Square] = []
    marks = []
    for size in sizes:
        squares, means = sums.squares(size, stride)
        # Flat squares are like any other flat square.
        kept = means.std(axis=(1, 2)) > 2
        found += [square for square, keep in zip(squares, kept, strict=True) if keep]
        marks.append(hashes(means[kept]))
    return _Marks(found, np.concatenate(marks))


def _compared(pictures: Sequence[_Known], test: _Known) -> list[Leak]:
    leaks = []
    for picture in pictures:
        if picture.key == test.key:
            continue
        found = [_best(picture, test, mirrored=mirrored) for mirrored in (False, True)]
        best = max(found, key=lambda one: one[0])
        if best[0] >= _ALIKE:
            leaks.append(Leak(picture.name, test.name, best[1], found[1] is best, best[0]))
    return leaks


def _best(picture: _Known, test: _Known, *, mirrored: bool) -> tuple[float, How]:
    """The best correlation of a square of the one with one of the other, and how they lie."""
    own = picture.few_mirrored if mirrored else picture.few
    theirs = test.few_mirrored if mirrored else test.few
    small = picture.small[:, ::-1] if mirrored else picture.small
    part = _nearest(own, test.many)
    # The test picture's mirror image is looked for in the picture as it is.
    whole = _nearest(theirs, picture.many)
    best: tuple[float, How] = (0.0, "overlaps")
    if part:
        best = max(best, _aligned(Sums(small), part[0], Sums(test.small), part[1]))
    if whole and best[0] < _ALIKE:
        flipped = test.small[:, ::-1] if mirrored else test.small
        value, how = _aligned(Sums(flipped), whole[0], Sums(picture.small), whole[1])
        turned: dict[How, How] = {"part": "contains", "contains": "part"}
        best = max(best, (value, turned.get(how, how)))
    return best


def _nearest(few: _Marks, many: _Marks) -> tuple[Square, Square] | None:
    """The squares whose hashes differ least, if that is little."""
    if not few.squares or not many.squares:
        return None
    bits = bits_between(few.hashes, many.hashes)
    at = int(bits.argmin())
    if bits.flat[at] > _NEAR_BITS:
        return None
    row, column = divmod(at, bits.shape[1])
    return few.squares[row], many.squares[column]


def _aligned(one: Sums, square: Square, other: Sums, place: Square) -> tuple[float, How]:
    """The correlation at the best place near one of the other picture, and how they lie then."""
    wanted = one.square(square, _CELLS)
    best, at = correlation(wanted, other.square(place, _CELLS)), place
    step = 1 / 12
    for number in range(_ROUNDS):
        for _ in range(3):
            before = best
            for candidate in _around(at, step, other):
                value = correlation(wanted, other.square(candidate, _CELLS))
                if value > best:
                    best, at = value, candidate
            if best <= before:
                break
        if number == 0 and best < _HOPELESS:
            break
        step /= 2
    differences = correlation(_differences(wanted), _differences(other.square(at, _CELLS)))
    return differences, _relation(one, square, other, at)


def _differences(means: Floats) -> Floats:
    """Between neighbours down and across, in one row."""
    return np.concatenate([np.diff(means, axis=0).ravel(), np.diff(means, axis=1).ravel()])


def _around(square: Square, step: float, sums: Sums) -> list[Square]:
    """Squares a little beside, larger and smaller, all inside the picture."""
    found = []
    for growth in (-step, 0.0, step):
        side = min(square.side * (1 + growth), sums.height, sums.width)
        shift = (square.side - side) / 2
        for down in (-step, 0.0, step):
            for across in (-step, 0.0, step):
                top = square.top + shift + down * square.side
                left = square.left + shift + across * square.side
                top = min(max(top, 0.0), sums.height - side)
                found.append(Square(top, min(max(left, 0.0), sums.width - side), side))
    return found


def _relation(one: Sums, square: Square, other: Sums, place: Square) -> How:
    """How much of each picture the other covers, if `square` of the one is `place` of the other."""
    scale = place.side / square.side
    top, left = place.top - square.top * scale, place.left - square.left * scale
    height, width = one.height * scale, one.width * scale
    rows = min(top + height, other.height) - max(top, 0.0)
    columns = min(left + width, other.width) - max(left, 0.0)
    shared = max(rows, 0.0) * max(columns, 0.0)
    of_one, of_other = shared / (height * width), shared / (other.height * other.width)
    if min(of_one, of_other) >= _SAME:
        return "same"
    if of_one >= _INSIDE:
        return "part"
    return "contains" if of_other >= _INSIDE else "overlaps"
