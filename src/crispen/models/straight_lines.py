"""Straight lines in a picture's histograms: changes of contrast, see `histogram_marks`."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from crispen.models.curve import LEVELS
from crispen.models.histogram_marks import (
    Channel,
    Curves,
    Floats,
    evidence_of,
    fits,
    likeness,
    marks_of,
    occupied,
)

# Lines that are compared in full.
_CANDIDATES = 40
# Pictures hold levels over at least this share of the range, or one slope could be another.
_SPAN = 0.74
_FLATTEST, _STEEPEST = 0.1, 0.97
# Rounding at both ends can make the levels reach farther than a line does.
_ROUNDED = 1.01
_STEP, _OFFSETS = 0.0015, 10


def slope_of(channels: list[Channel]) -> tuple[float, float] | None:
    """The slope below 1 by which a line narrowed the levels, and its evidence; None without any.

    Its offset leaves no traces but for its fraction, so that it is not found.

    Args:
        channels: They have gone through the same line.
    """
    least = float(np.ptp(occupied(channels))) / (LEVELS - 1)
    if not _FLATTEST < least < _STEEPEST:
        return None
    slopes = np.arange(least / _ROUNDED, min(1.0, least / _SPAN), _STEP)
    slopes, offsets = _pairs(slopes, np.arange(_OFFSETS) / _OFFSETS)
    slopes, offsets = _likely(slopes, offsets, channels)
    evidence = np.empty(0)
    for step in (0.4 * _STEP, 0.13 * _STEP, 0.04 * _STEP):
        shift = step / _STEP / (2 * _OFFSETS)
        slopes, offsets = _around(slopes, offsets, step, 2.5 * shift)
        evidence = evidence_of(channels, Curves(line_counts(slopes, offsets)))
        best = np.argsort(-evidence)[: _CANDIDATES // 2]
        slopes, offsets, evidence = slopes[best], offsets[best], evidence[best]
    counts = line_counts(slopes[:1], offsets[:1])
    usual, usual_counts = _usual_lines()
    inside = np.flatnonzero((usual > least / _ROUNDED) & (usual < least / _SPAN))
    if len(inside):
        of_usual = evidence_of(channels, Curves(usual_counts[inside]))
        best = inside[[int(of_usual.argmax())]]
        # What leaves equal traces is taken for the number that a person would choose.
        if of_usual.max() >= evidence[0]:
            evidence, slopes, counts = of_usual.max(keepdims=True), usual[best], usual_counts[best]
    if not all(fits(channel, Curves(counts)) for channel in channels):
        return None
    return float(slopes[0]), float(evidence[0])


@functools.cache
def _usual_lines() -> tuple[Floats, NDArray[np.intp]]:
    """Lines of round slopes, and what they make of the levels.

    They hit the middle between two levels again and again, which is rounded to the even one.
    """
    slopes, starts = _pairs(np.arange(2, 20) / 20, np.array([0.0, 0.5, 1.0, 1.5]))
    levels = np.arange(-4 * LEVELS, 12 * LEVELS)
    reached = np.rint(levels * slopes[:, None] + starts[:, None]).astype(np.intp)
    inside = (reached >= 0) & (reached < LEVELS)
    places = (reached + LEVELS * np.arange(len(slopes))[:, None])[inside]
    return slopes, np.bincount(places, minlength=LEVELS * len(slopes)).reshape(-1, LEVELS)


def best_evidence(channels: list[Channel], slope: float) -> float:
    """The evidence of the best line about as steep as `slope`."""
    apart = abs(slope - 1)
    shift = min(0.125, apart / 2)
    slopes, offsets = _pairs(slope + apart * np.linspace(-0.06, 0.06, 41), np.arange(0, 1, shift))
    slopes, offsets = _likely(slopes, offsets, channels)
    most = 0.0
    for finer in (1.0, 0.2):
        slopes, offsets = _around(slopes, offsets, finer * apart * 0.003, finer * shift)
        evidence = evidence_of(channels, Curves(line_counts(slopes, offsets)))
        most = max(most, float(evidence.max()))
        best = np.argsort(-evidence)[:_CANDIDATES]
        slopes, offsets = slopes[best], offsets[best]
    return most


def line_counts(slopes: Floats, offsets: Floats) -> NDArray[np.intp]:
    """``(n, LEVELS)``: how many whole numbers each line brings to each level."""
    edges = np.arange(LEVELS + 1) - 0.5 - LEVELS / 2 - offsets[:, None]
    return np.asarray(np.diff(np.floor(edges / slopes[:, None]), axis=1), np.intp)


def _pairs(slopes: Floats, offsets: Floats) -> tuple[Floats, Floats]:
    first, second = np.meshgrid(slopes, offsets)
    return first.ravel(), second.ravel()


def _likely(slopes: Floats, offsets: Floats, channels: list[Channel]) -> tuple[Floats, Floats]:
    """The lines whose marks are most like those of the channels."""
    marks = marks_of(line_counts(slopes, offsets))
    best = np.argsort(-likeness(marks, channels))[:_CANDIDATES]
    return slopes[best], offsets[best]


def _around(slopes: Floats, offsets: Floats, step: float, shift: float) -> tuple[Floats, Floats]:
    """Five slopes and five offsets around each."""
    steps, shifts = step * np.linspace(-1, 1, 5), shift * np.linspace(-1, 1, 5)
    near = slopes[:, None, None] + steps[:, None] + 0 * shifts
    shifted = offsets[:, None, None] + 0 * steps[:, None] + shifts
    return near.ravel(), shifted.ravel()
