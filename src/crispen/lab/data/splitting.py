"""Which pictures are trained on, and which are held out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

LISTED = 5000
"""Lists longer than this are recorded as a number and a hash."""


@dataclass(frozen=True)
class Split:
    """Two disjoint lists of pictures.

    Attributes:
        train: Indices to train on, ascending.
        valid: Indices held out, ascending.
        seed: What the draw depended on; None where the set itself says which are held out.
    """

    train: list[int]
    valid: list[int]
    seed: int | None

    def record(self, names: Sequence[str]) -> dict[str, Any]:
        """What a run folder keeps of it."""
        return {
            "seed": self.seed,
            "train": _listed([names[i] for i in self.train]),
            "valid": _listed([names[i] for i in self.valid]),
        }


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
    """Holds out a share of the pictures at random, the same one for the same seed.

    Args:
        usable: The pictures to draw from.
        share: How many are held out; at least one if it is above 0, and never all.
        seed: The draw depends on this and on how many there are.
        limit: Maximum number of pictures, both parts together; 0 keeps all.
        groups: By picture; those of one group stay together, and are drawn and counted as one.

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
