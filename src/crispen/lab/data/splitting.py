"""Which pictures are trained on, and which are held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


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
            "train": [names[i] for i in self.train],
            "valid": [names[i] for i in self.valid],
        }


def draw(usable: Sequence[int], *, share: float, seed: int, limit: int = 0) -> Split:
    """Holds out a share of the pictures at random, the same one for the same seed.

    Args:
        usable: The pictures to draw from.
        share: How many are held out; at least one if it is above 0, and never all.
        seed: The draw depends on this and on how many there are.
        limit: Keep so many at most, both parts together; 0 keeps all.

    >>> split = draw(range(10), share=0.2, seed=0)
    >>> len(split.train), len(split.valid)
    (8, 2)
    """
    order = np.random.default_rng(seed).permutation(len(usable))
    kept = [usable[i] for i in (order[:limit] if limit else order)]
    held = min(len(kept) - 1, max(1, round(share * len(kept)))) if share and kept else 0
    return Split(sorted(kept[held:]), sorted(kept[:held]), seed)
