"""How well tone curves explain a histogram."""

from __future__ import annotations

import numpy as np
import pytest

from crispen.models.curve import LEVELS
from crispen.models.histogram_marks import (
    Channel,
    Curves,
    evidence_of,
    fits,
    merged_levels,
    needed,
)


def channel(counts: np.ndarray) -> Channel:
    return Channel(counts.astype(np.int64))


SMOOTH = np.round(2000 * np.exp(-(((np.arange(LEVELS) - 120) / 60) ** 2)))


def merged(slope: float) -> np.ndarray:
    return merged_levels(np.rint(np.arange(LEVELS) * slope).astype(int)[None])


def test_a_smooth_histogram_has_no_marks() -> None:
    seen = channel(SMOOTH)
    assert seen.enough
    assert not seen.marked
    assert np.abs(seen.marks).max() < 0.1


def test_the_curve_that_was_applied_has_the_most_evidence() -> None:
    table = np.rint(np.arange(LEVELS) * 0.7).astype(int)
    seen = channel(np.bincount(table, SMOOTH, LEVELS))
    assert seen.marked
    tables = np.rint(np.arange(LEVELS) * np.array([[0.6], [0.65], [0.7], [0.8]])).astype(int)
    evidence = evidence_of([seen], Curves.of(tables))
    assert evidence.argmax() == 2
    assert evidence[2] > needed([seen]) > evidence[[0, 1, 3]].max()
    assert fits(seen, Curves(merged(0.7)))
    assert not fits(seen, Curves(merged(0.6)))


def test_pixels_where_a_curve_leads_nowhere_are_strays() -> None:
    table = np.rint(np.arange(LEVELS) * 0.7).astype(int)
    counts = np.bincount(table, SMOOTH, LEVELS)
    counts[200] += counts.sum() // 100
    assert channel(counts).stray(Curves(merged(0.7)))[0] == pytest.approx(0.01, rel=0.02)
    assert not fits(channel(counts), Curves(merged(0.7)))


def test_too_few_levels_prove_nothing() -> None:
    few = channel(np.where(np.arange(LEVELS) < 30, SMOOTH, 0))
    assert not few.enough
    assert few.evidence(Curves(merged(0.7)))[0] == 0
