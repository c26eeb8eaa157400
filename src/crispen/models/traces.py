"""The tone edit that a picture has gone through, recovered from the traces in its histograms.

A tone curve that was applied to 8-bit pixels and rounded leaves marks in the histogram: where the
curve rises by more than a level per level, some levels are empty, and where it rises by less, some
hold the pixels of several. Pictures themselves have smooth histograms, so the applied curve is the
one under which the original's histogram becomes smooth [M. C. Stamm and K. J. R. Liu, Forensic
detection of image manipulation using statistical intrinsic fingerprints, IEEE TIFS 5(3), 2010,
doi:10.1109/TIFS.2010.2053202]. JPEG, noise and resizing erase these marks.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from crispen.models.curve import LEVELS, Curve, encoded, knots, linear

Floats = NDArray[np.float64]

EVIDENCE = 60.0
"""Natural logarithm of the least likelihood ratio between an edit and none.

About 10,000 curves are tried, so that the probability of finding one in an unedited picture by
chance is at most 10,000 exp(-60) = 1e-22 if the model of the histogram holds. It does not hold
exactly; tests/models/test_traces.py holds pictures in which nothing may be found.
"""
# Mean residual that a picture's own histogram may have; two for log 2 would be no fit at all.
_FIT = 0.4
# Share of pixels at levels that the curve cannot produce: for a text or a logo added afterwards.
_STRAY = 1e-3
# Levels that can be judged have this many pixels, as their surroundings show; so many are needed.
_PIXELS, _JUDGED = 16, 40
_AROUND = 7
# A residual, in natural logarithms, counts as no more than this, and the mean as no less.
_MOST, _LEAST = 3.0, 0.03
# Evidence for each level that was judged, and how much more than a straight line an edit needs.
_PER_LEVEL, _DISTINCT = 0.2, 5.0
# The weakest edit to search for: natural logarithm of an exponent or a gain.
_WEAKEST = 0.02
# Evidence that an amount must have before its surroundings are searched for a better one.
_PROMISING = 5.0
# Amounts that are compared in full, and those whose surroundings are.
_CANDIDATES, _REFINED = 40, 2
# So many levels must stand out by 1.4 times from their surroundings, or nothing is searched.
_OUTSTANDING, _STANDS_OUT = 8, 0.35


@dataclass(frozen=True, slots=True)
class Edit:
    """A tone edit.

    Attributes:
        kind: ``gamma``, ``exposure``, or ``cast``: an exposure of its own for each channel.
        amounts: Three exponents, or three changes of light in stops; for R', G' and B'.
        sources: ``(3, LEVELS)``: the level before the edit, from 0 to 255, for each level after
            it. If there were several, it is their middle, but white stays white.
        evidence: Natural logarithm of the likelihood ratio to no edit.
    """

    kind: Literal["gamma", "exposure", "cast"]
    amounts: tuple[float, float, float]
    sources: Floats
    evidence: float

    @property
    def undone(self) -> Curve:
        """The curve that undoes the edit."""
        places = knots() * (LEVELS - 1)
        values = [np.interp(places, np.arange(LEVELS), row) for row in self.sources]
        return Curve(np.stack(values) / (LEVELS - 1), self.sources)


class _Curves:
    """Tone curves, prepared for comparison with histograms.

    Args:
        counts: ``(n, LEVELS)``: how many levels before the edit became each level.
    """

    def __init__(self, counts: NDArray[np.intp]) -> None:
        self.unreachable = (counts == 0).astype(np.float32)
        most = int((counts > 0).sum(axis=1).max())
        # Reachable levels come first, in order; the rest is padding.
        self.order = np.argsort(counts == 0, axis=1, kind="stable")[:, :most]
        merged = np.take_along_axis(counts, self.order, axis=1)
        self.present = merged > 0
        self.log_merged = np.log(np.maximum(merged, 1)).astype(np.float32)


def _merged(tables: NDArray[np.intp]) -> NDArray[np.intp]:
    """``(n, LEVELS)``: how many levels became each level."""
    places = tables + LEVELS * np.arange(len(tables))[:, None]
    return np.bincount(places.ravel(), minlength=places.size).reshape(places.shape)


class _Channel:
    """One channel's histogram.

    Args:
        counts: ``(LEVELS,)`` pixels.
    """

    def __init__(self, counts: NDArray[np.int64]) -> None:
        occupied = np.flatnonzero(counts)
        self.inside = np.zeros(LEVELS, bool)
        if len(occupied):
            # Clipped pixels pile up at the two ends, which say nothing about the curve.
            self.inside[occupied[0] + 1 : occupied[-1]] = True
        inner = np.concatenate([[0], np.cumsum(counts * self.inside)])
        inside = np.concatenate([[0], np.cumsum(self.inside)])
        levels = np.arange(LEVELS)
        start, stop = (levels - _AROUND).clip(0), (levels + _AROUND + 1).clip(max=LEVELS)
        around = (inner[stop] - inner[start]) / np.maximum(inside[stop] - inside[start], 1)
        self.judged = self.inside & (around >= _PIXELS)
        self.pixels = int(counts.sum())
        self.counts = counts.astype(np.float32)
        self.logs = np.log(self.counts + 1)
        self.marks = self.residuals(_unedited())[0]

    @property
    def enough(self) -> bool:
        """Whether it can prove anything."""
        return int(self.judged.sum()) >= _JUDGED

    def residuals(self, curves: _Curves) -> NDArray[np.float32]:
        """``(n, reachable levels)``: how far each level is from what its neighbours predict.

        Natural logarithms of pixels per source level; 0 where nothing can be judged.
        """
        weights = (curves.present & self.inside[curves.order]).astype(np.float32)
        density = self.logs[curves.order] - curves.log_merged
        judged = self.judged[curves.order].astype(np.float32)
        found: NDArray[np.float32] = _residuals(density, weights) * judged
        return found

    def misfit(self, curves: _Curves) -> Floats:
        """``(n,)``: mean residual of the judged levels; a level that must be empty counts too."""
        stray = np.minimum(self.logs, _MOST) * self.judged
        total = np.abs(self.residuals(curves)).sum(axis=1) + curves.unreachable @ stray.astype(
            np.float32
        )
        return np.asarray(total / max(1, self.judged.sum()), np.float64)

    def stray(self, curves: _Curves) -> Floats:
        """``(n,)``: share of the pixels at levels that a curve cannot produce."""
        return np.asarray(curves.unreachable @ self.counts / max(1, self.pixels), np.float64)

    def evidence(self, curves: _Curves) -> Floats:
        """``(n,)``: log of the likelihood ratio to no edit.

        Residuals follow a Laplace distribution of unknown scale, which is estimated for each curve.
        """
        if not self.enough:
            return np.zeros(len(curves.order))
        ratio = (self.misfit(_unedited())[0] + _LEAST) / (self.misfit(curves) + _LEAST)
        return np.asarray(self.judged.sum() * np.log(ratio), np.float64)

    @property
    def marked(self) -> bool:
        """Whether its histogram has marks at all, of any curve."""
        return int((np.abs(self.marks) > _STANDS_OUT).sum()) >= _OUTSTANDING


def _residuals(logs: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(n, levels)``: differences from the mean of four neighbours; nothing of weight 0 counts."""
    logs = logs * weights
    predicted, total = np.zeros_like(logs), np.zeros_like(logs)
    for apart, weight in ((1, 2.0), (2, 1.0)):
        for to, of in (
            (slice(apart, None), slice(None, -apart)),
            (slice(None, -apart), slice(apart, None)),
        ):
            predicted[:, to] += weight * logs[:, of]
            total[:, to] += weight * weights[:, of]
    apart_from_it = (logs - predicted / np.maximum(total, 1)) * (weights * (total > 0))
    return np.asarray(apart_from_it.clip(-_MOST, _MOST), np.float32)


def find_edit(histograms: NDArray[np.int64]) -> Edit | None:
    """The edit that explains the marks in a picture's histograms; None without strong evidence.

    Args:
        histograms: ``(3, LEVELS)``: pixels at each level of R', G' and B'.
    """
    grey = bool((histograms == histograms[0]).all())
    channels = [_Channel(counts) for counts in (histograms[:1] if grey else histograms)]
    if not any(channel.enough and channel.marked for channel in channels):
        return None
    found = [
        _one_for_all("gamma", channels, _gammas()),
        _one_for_all("exposure", channels, _gains()),
    ]
    if not grey:
        found.append(_one_each(channels, _gains()))
    best = max((edit for edit in found if edit), key=lambda edit: edit.evidence, default=None)
    if best is None or best.kind == "gamma":
        return best
    amounts = [stops * float(np.log(2)) for stops in best.amounts]
    groups = [([c], amount) for c, amount in zip(channels, amounts, strict=False) if amount]
    if best.kind == "exposure":
        groups = [(channels, amounts[0])]
    distinct = sum(_beyond_a_line(group, amount) for group, amount in groups)
    return best if distinct > _DISTINCT else None


def _one_for_all(
    kind: Literal["gamma", "exposure"], channels: list[_Channel], family: _Family
) -> Edit | None:
    amount, evidence = _best(channels, family)
    if evidence < _needed(channels):
        return None
    table = family.tables(np.array([amount]))
    if not all(_fits(channel, _Curves(_merged(table))) for channel in channels):
        return None
    shown = float(np.exp(amount) if kind == "gamma" else amount / np.log(2))
    return Edit(kind, (shown,) * 3, np.tile(_sources(table[0]), (3, 1)), evidence)


def _one_each(channels: list[_Channel], family: _Family) -> Edit | None:
    """A cast, if every channel either shows an edit or shows that it has none."""
    amounts: list[float] = []
    total = 0.0
    for channel in channels:
        amount, evidence = _best([channel], family)
        if evidence < _needed([channel]):
            amount = evidence = 0.0
        if not channel.enough or not _fits(
            channel, _Curves(_merged(family.tables(np.array([amount]))))
        ):
            return None
        amounts.append(amount)
        # Each further amount is one more that chance could have chosen.
        total += evidence - np.log(len(family.amounts))
    if not any(amounts):
        return None
    red, green, blue = (amount / float(np.log(2)) for amount in amounts)
    sources = np.stack([_sources(table) for table in family.tables(np.array(amounts))])
    return Edit("cast", (red, green, blue), sources, total)


def _needed(channels: list[_Channel]) -> float:
    judged = sum(int(channel.judged.sum()) for channel in channels)
    return max(EVIDENCE, _PER_LEVEL * judged)


def _fits(channel: _Channel, curve: _Curves) -> bool:
    if channel.stray(curve)[0] > _STRAY:
        return False
    return not channel.enough or float(channel.misfit(curve)[0]) < _FIT


class _Family:
    """Curves that differ in one amount, many of them prepared for a quick comparison.

    Attributes:
        tables: Returns ``(n, LEVELS)`` curves of n amounts.
        amounts: Amounts to try, of both signs; 0 is no edit.
        marks: ``(len(amounts), LEVELS)``: residuals that the curves leave in a smooth histogram.
    """

    def __init__(self, tables: Callable[[Floats], NDArray[np.intp]], most: float) -> None:
        self.tables = tables
        sizes = [_WEAKEST]
        while sizes[-1] < most:
            sizes.append(sizes[-1] + _step(sizes[-1]))
        self.amounts = np.array([-size for size in reversed(sizes)] + sizes)
        self.marks = _marks(_merged(tables(self.amounts)))


def _marks(counts: NDArray[np.intp]) -> NDArray[np.float32]:
    """``(n, LEVELS)``: the residuals that curves leave in a smooth histogram."""
    logs = np.log(np.maximum(counts, np.exp(-_MOST))).astype(np.float32)
    return _residuals(logs, np.ones_like(logs))


def _likeness(marks: NDArray[np.float32], channel: _Channel) -> NDArray[np.float32]:
    """``(n,)``: correlation of curves' marks with those in a channel."""
    seen = channel.marks
    norm = np.sqrt((marks**2 @ channel.judged.astype(np.float32)) * (seen @ seen))
    return np.asarray(marks @ seen / np.maximum(norm, 1e-6), np.float32)


def _best(channels: list[_Channel], family: _Family) -> tuple[float, float]:
    """The amount with most evidence, and that evidence."""
    likeness = np.sum([_likeness(family.marks, channel) for channel in channels], axis=0)
    amounts = family.amounts[np.argsort(-likeness)[:_CANDIDATES]]
    evidence = _evidence(channels, family.tables(amounts))
    if evidence.max() < _PROMISING:
        return 0.0, 0.0
    found: list[tuple[float, float]] = []
    for amount in amounts[np.argsort(-evidence)[:_REFINED]]:
        step = _step(abs(amount))
        for _ in range(3):
            near = amount + np.linspace(-step, step, 33)
            finer = _evidence(channels, family.tables(near), strays=False)
            best = float(finer.max())
            same = np.flatnonzero(finer == best)  # many amounts give the same levels
            amount = near[same[len(same) // 2]]
            step /= 8
        found.append((best, float(amount)))
    best, amount = max(found)
    return amount, best


def _evidence(channels: list[_Channel], tables: NDArray[np.intp], *, strays: bool = True) -> Floats:
    curves = _Curves(_merged(tables))
    total = np.sum([channel.evidence(curves) for channel in channels], axis=0)
    if not strays:
        most = np.max([channel.stray(curves) for channel in channels], axis=0)
        total = total - EVIDENCE * (most > _STRAY)
    return np.asarray(total, np.float64)


def _step(size: float) -> float:
    """How far apart amounts of that size are tried.

    Half a level at white must not be missed; and the first gaps of a weak edit are far apart, so
    that their places depend on the amount's own precision.
    """
    return min(0.003 * size, 0.0025)


def _beyond_a_line(channels: list[_Channel], amount: float) -> float:
    """How much more evidence a gain has than the best straight line.

    Except near black, a gain in linear light is a straight line in R'G'B'. Another line of that
    slope stretches or narrows contrast; its offset leaves no trace, so that it cannot be undone.
    """
    slope = float(np.exp(amount / 2.4))
    apart = abs(slope - 1)
    slopes = slope + apart * np.linspace(-0.06, 0.06, 41)
    offsets = np.arange(0, 1, min(0.125, apart / 2))
    slopes, offsets = (grid.ravel() for grid in np.meshgrid(slopes, offsets))
    marks = _marks(_line_counts(slopes, offsets))
    best = np.argsort(-np.sum([_likeness(marks, channel) for channel in channels], axis=0))
    slopes, offsets = slopes[best[:_CANDIDATES]], offsets[best[:_CANDIDATES]]
    most = 0.0
    for finer in (1.0, 0.2):
        near = finer * apart * np.linspace(-0.003, 0.003, 5)
        shifts = finer * min(0.125, apart / 2) * np.linspace(-1, 1, 5)
        slopes = (slopes[:, None, None] + near[:, None] + 0 * shifts).ravel()
        offsets = (offsets[:, None, None] + 0 * near[:, None] + shifts).ravel()
        curves = _Curves(_line_counts(slopes, offsets))
        evidence = np.sum([channel.evidence(curves) for channel in channels], axis=0)
        most = max(most, float(evidence.max()))
        best = np.argsort(-evidence)[:_CANDIDATES]
        slopes, offsets = slopes[best], offsets[best]
    return float(_evidence(channels, _gain(np.array([amount])))[0]) - most


def _line_counts(slopes: Floats, offsets: Floats) -> NDArray[np.intp]:
    """``(n, LEVELS)``: how many whole numbers each line brings to each level."""
    edges = np.arange(LEVELS + 1) - 0.5 - LEVELS / 2 - offsets[:, None]
    return np.asarray(np.diff(np.floor(edges / slopes[:, None]), axis=1), np.intp)


@functools.cache
def _gammas() -> _Family:
    return _Family(_gamma, 1.3)


@functools.cache
def _gains() -> _Family:
    return _Family(_gain, 3.0)


@functools.cache
def _unedited() -> _Curves:
    return _Curves(np.ones((1, LEVELS), np.intp))


def _gamma(amounts: Floats) -> NDArray[np.intp]:
    return _rounded((np.arange(LEVELS) / (LEVELS - 1)) ** np.exp(amounts)[:, None])


def _gain(amounts: Floats) -> NDArray[np.intp]:
    light = linear(np.arange(LEVELS) / (LEVELS - 1))
    return _rounded(encoded(light * np.exp(amounts)[:, None]))


def _rounded(values: Floats) -> NDArray[np.intp]:
    return np.asarray(np.rint(values.clip(0, 1) * (LEVELS - 1)), np.intp)


def _sources(table: NDArray[np.intp]) -> Floats:
    """``(LEVELS,)``: the middle of the levels that became each; between them, in proportion."""
    levels = np.arange(LEVELS)
    counts = np.bincount(table, minlength=LEVELS)
    reached = np.flatnonzero(counts)
    middles = np.bincount(table, levels, LEVELS)[reached] / counts[reached]
    if reached[-1] == LEVELS - 1:
        middles[-1] = LEVELS - 1  # or clipped highlights would turn grey
    return np.interp(levels, reached, middles)
