"""How far a vivid result is from the repaired picture, seen small again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from crispen.enhance.shrinking_back import difference


def model(change: float, fine: float) -> Any:
    """Doubles a picture, and adds to all of it, and to every other pixel."""

    def run(pixels: np.ndarray) -> np.ndarray:
        large = pixels.repeat(2, 0).repeat(2, 1).astype(float) + change
        large[::2, ::2] += fine
        large[1::2, ::2] -= fine
        return np.clip(np.rint(large), 0, 255).astype(np.uint8)

    return SimpleNamespace(engine=SimpleNamespace(run=run), card=SimpleNamespace(scale=2))


@pytest.mark.parametrize(
    ("change", "fine", "expected"), [(0, 0, 0.0), (3, 0, 3.0), (0, 20, 0.0), (2, 20, 2.0)]
)
def test_only_what_is_seen_small_counts(change: float, fine: float, expected: float) -> None:
    pixels = np.full((40, 300, 3), 120, np.uint8)
    found = difference(model(change, fine), model(0, 0), pixels)
    assert found == pytest.approx(expected, abs=0.2)
