"""Splits pictures into those to train on and those held out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

LISTED = 5000
"""Longer lists are recorded as a count and a hash."""


@dataclass(frozen=True)
class Split:
    """Two disjoint lists of pictures.

    Attributes:
        train: Indices to train on, ascending.
        valid: Indices held out, ascending.
        seed: Seed of the draw; None if the set itself defines which are held out.
    """

    train: list[int]
    valid: list[int]
    seed: int | None

    def record(self, names: Sequence[str]) -> dict[str, Any]:
        """The record kept in a run folder."""
        return {
            "seed": self.seed,
            "train": _listed([names[i] for i in self.train]),
            "valid": _listed([names[i] for i in self.valid]),
        }


def left_out(
    count: int, limit: int, seed: int, groups: Sequence[int] | None = None
) -> frozenset[int]:
    """The pictures that `draw` with this limit and seed uses in neither list.

    Args:
        count: Of all pictures.
        limit: Maximum number of pictures, or of groups; 0 leaves none out.
        seed: As for `draw`.
        groups: As for `draw`.
    """
    if not limit:
        return frozenset()
    used = draw(range(count), share=0, seed=seed, limit=limit, groups=groups).train
    return frozenset(range(count)).difference(used)


def _listed(names: list[str]) -> list[str] | dict[str, Any]:
    if len(names) <= LISTED:
        return names
    return {
        "pictures": len(names),
        "sha256": hashlib.sha256("\n".join(names).encode()).hexdigest(),
    }


def draw(
    usable: Sequence[int],
    *,
    share: float,
    seed: int,
    limit: int = 0,
    groups: Sequence[int] | None = None,
) -> Split:
    """Holds out a random share of the pictures, the same for the same seed.

    Args:
        usable: The pictures to draw from.
        share: Share to hold out; at least one picture if above 0, and never all.
        seed: The draw depends on this and on the number of pictures.
        limit: Maximum total number of pictures; 0 keeps all.
        groups: Group of each picture; a group stays together and is drawn and counted as one.

    >>> split = draw(range(10), share=0.2, seed=0)
    >>> len(split.train), len(split.valid)
    (8, 2)
    """
    members: dict[int, list[int]] = {}
    for picture in usable:
        members.setdefault(picture if groups is None else groups[picture], []).append(picture)
    drawn = np.random.default_rng(seed).permutation(len(members)).tolist()
    kept = [list(members.values())[i] for i in (drawn[:limit] if limit else drawn)]
    held = min(len(kept) - 1, max(1, round(share * len(kept)))) if share and kept else 0
    return Split(
        sorted(i for group in kept[held:] for i in group),
        sorted(i for group in kept[:held] for i in group),
        seed,
    )
