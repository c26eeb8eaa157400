"""Pictures that occur more than once in a set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crispen.lab.curation.fingerprints import CELLS, Sums, bits_between, correlation
from crispen.lab.curation.surveying import Surveyed

# Of 64 bits; scaling and JPEG change fewer. What remains is compared cell by cell.
_NEAR_BITS = 10
_ALIKE = 0.97
_CHUNK = 512


@dataclass(frozen=True)
class Duplicates:
    """Pictures that are one and the same.

    Attributes:
        files: At least two; the largest first, then by name.
        exact: The files are equal to the byte.
    """

    files: tuple[Path, ...]
    exact: bool


def find_duplicates(pictures: Sequence[Surveyed]) -> list[Duplicates]:
    """Groups of equal pictures: files equal to the byte, then scaled or recompressed ones.

    Pictures are alike if their perceptual hashes differ in at most 10 bits and their 32x32 means
    correlate with 0.97 or more. Copies of one file count as that file in a group of alike ones.
    """
    by_digest: dict[str, list[Surveyed]] = {}
    for picture in pictures:
        by_digest.setdefault(picture.digest, []).append(picture)
    groups = [_group(same, exact=True) for same in by_digest.values() if len(same) > 1]
    single = [same[0] for same in by_digest.values()]
    leader = list(range(len(single)))

    def first(index: int) -> int:
        while leader[index] != index:
            index = leader[index]
        return index

    means = [Sums(picture.small).whole(CELLS) for picture in single]
    marks = np.array([picture.hash for picture in single], np.uint64)
    for start in range(0, len(single), _CHUNK):
        near = bits_between(marks[start : start + _CHUNK], marks) <= _NEAR_BITS
        for row, other in np.argwhere(near).tolist():
            one = start + row
            if one < other and correlation(means[one], means[other]) >= _ALIKE:
                leader[first(other)] = first(one)
    alike: dict[int, list[Surveyed]] = {}
    for index, picture in enumerate(single):
        alike.setdefault(first(index), []).append(picture)
    return groups + [_group(some, exact=False) for some in alike.values() if len(some) > 1]


def _group(pictures: Sequence[Surveyed], *, exact: bool) -> Duplicates:
    ordered = sorted(pictures, key=lambda p: (-p.width * p.height, str(p.file)))
    return Duplicates(tuple(p.file for p in ordered), exact)
