"""Straight lines that changed the contrast."""

from __future__ import annotations

import numpy as np
import pytest

from crispen.models.curve import LEVELS
from crispen.models.histogram_marks import Channel, needed
from crispen.models.straight_lines import best_evidence, line_counts, slope_of


def seen(slope: float, offset: float) -> list[Channel]:
    levels = np.arange(LEVELS)
    smooth = np.round(3000 * np.exp(-(((levels - 120) / 90) ** 2)))
    table = np.rint(slope * levels + offset).astype(int)
    return [Channel(np.bincount(table, smooth, LEVELS).astype(np.int64))]


@pytest.mark.parametrize(
    ("slope", "offset"), [(0.3, 90.0), (0.6, 20.4), (0.75, 60.0), (0.86, 16.0), (0.5, 0.0)]
)
def test_the_slope_is_found(slope: float, offset: float) -> None:
    channels = seen(slope, offset)
    found = slope_of(channels)
    assert found is not None
    assert found[0] == pytest.approx(slope, abs=0.004)
    assert found[1] > needed(channels)
    assert best_evidence(channels, slope) > 0 or slope == 0.5


def test_all_levels_are_no_loss() -> None:
    assert slope_of(seen(1.0, 0.0)) is None


def test_what_each_level_is_made_of() -> None:
    counts = line_counts(np.array([1.0, 0.5]), np.array([0.0, 0.25]))
    assert (counts[0] == 1).all()
    assert (counts[1] == 2).all()
