"""The tone edit that a picture has gone through, recovered from the traces in its histograms.

See `crispen.models.histogram_marks`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from crispen.models.curve import LEVELS, Curve, encoded, knots, linear
from crispen.models.histogram_marks import (
    Channel,
    Curves,
    Floats,
    evidence_of,
    fits,
    likeness,
    marks_of,
    merged_levels,
    needed,
    occupied,
)
from crispen.models.straight_lines import best_evidence, slope_of

# The weakest edit to search for: natural logarithm of an exponent or a gain.
_WEAKEST = 0.02
# Evidence that an amount must have before its surroundings are searched for a better one.
_PROMISING = 5.0
# Amounts that are compared in full, and those whose surroundings are.
_CANDIDATES, _REFINED = 40, 2
# How much more evidence than a straight line an edit needs.
_DISTINCT = 5.0
# The brightest pixel of a picture has at least this logarithm of light, compared with white.
_BRIGHT = -0.1


@dataclass(frozen=True, slots=True)
class Edit:
    """A tone edit.

    Attributes:
        kind: ``gamma``, ``exposure``, ``cast``: an exposure of its own for each channel; or
            ``contrast``: all levels were brought closer together.
        amounts: Three exponents, changes of light in stops, or shares of the contrast that are
            left; for R', G' and B'.
        sources: ``(3, LEVELS)``: the level before the edit, from 0 to 255, for each level after
            it. If there were several, it is their middle, but white stays white.
        evidence: Natural logarithm of the likelihood ratio to no edit.
    """

    kind: Literal["gamma", "exposure", "cast", "contrast"]
    amounts: tuple[float, float, float]
    sources: Floats
    evidence: float

    @property
    def undone(self) -> Curve:
        """The curve that undoes the edit."""
        places = knots() * (LEVELS - 1)
        values = [np.interp(places, np.arange(LEVELS), row) for row in self.sources]
        return Curve(np.stack(values) / (LEVELS - 1), self.sources)


def find_edit(histograms: NDArray[np.int64]) -> Edit | None:
    """The edit that explains the marks in a picture's histograms; None without strong evidence.

    Args:
        histograms: ``(3, LEVELS)``: pixels at each level of R', G' and B'.
    """
    grey = bool((histograms == histograms[0]).all())
    channels = [Channel(counts) for counts in (histograms[:1] if grey else histograms)]
    if not any(channel.enough and channel.marked for channel in channels):
        return None
    found = [
        _one_for_all("gamma", channels, _gammas()),
        _one_for_all("exposure", channels, _gains()),
    ]
    if not grey:
        found.append(_one_each(channels, _gains()))
    best = max((edit for edit in found if edit), key=lambda edit: edit.evidence, default=None)
    if best is not None and (best.kind == "gamma" or _distinct(best, channels)):
        return best
    return _contrast(channels)


def _distinct(edit: Edit, channels: list[Channel]) -> bool:
    """Whether an exposure or a cast has more evidence than the best straight line.

    Except near black, a gain in linear light is a straight line in R'G'B'. Another line of that
    slope stretches or narrows contrast.
    """
    amounts = [stops * float(np.log(2)) for stops in edit.amounts]
    groups = [([c], amount) for c, amount in zip(channels, amounts, strict=False) if amount]
    if edit.kind == "exposure":
        groups = [(channels, amounts[0])]
    beyond = 0.0
    for group, amount in groups:
        known = float(evidence_of(group, Curves.of(_gain(np.array([amount]))))[0])
        beyond += known - best_evidence(group, float(np.exp(amount / 2.4)))
    return beyond > _DISTINCT


def _contrast(channels: list[Channel]) -> Edit | None:
    """A loss of contrast, unless an exposure explains the marks as well.

    A line's offset leaves no trace. The darkest level is taken for black, which is closer than to
    stretch the levels over the whole range: benchmarks/light.py.
    """
    found = slope_of(channels)
    if found is None or found[1] < needed(channels):
        return None
    slope, evidence = found
    levels = occupied(channels)
    brightest = float(np.log(linear(levels[-1:] / (LEVELS - 1)))[0])
    gains = brightest + np.linspace(-0.02, -_BRIGHT, 80)
    if evidence_of(channels, Curves.of(_gain(gains))).max() > evidence / 2:
        return None
    sources = ((np.arange(LEVELS) - levels[0]) / slope).clip(0, LEVELS - 1)
    return Edit("contrast", (slope,) * 3, np.tile(sources, (3, 1)), evidence)


def _one_for_all(
    kind: Literal["gamma", "exposure"], channels: list[Channel], family: _Family
) -> Edit | None:
    amount, evidence = _best(channels, family)
    if evidence < needed(channels):
        return None
    table = family.tables(np.array([amount]))
    if not all(fits(channel, Curves.of(table)) for channel in channels):
        return None
    shown = float(np.exp(amount) if kind == "gamma" else amount / np.log(2))
    return Edit(kind, (shown,) * 3, np.tile(_sources(table[0]), (3, 1)), evidence)


def _one_each(channels: list[Channel], family: _Family) -> Edit | None:
    """A cast, if every channel either shows an edit or shows that it has none."""
    amounts: list[float] = []
    total = 0.0
    for channel in channels:
        amount, evidence = _best([channel], family)
        if evidence < needed([channel]):
            amount = evidence = 0.0
        curve = Curves.of(family.tables(np.array([amount])))
        if not channel.enough or not fits(channel, curve):
            return None
        amounts.append(amount)
        # Each further amount is one more that chance could have chosen.
        total += evidence - np.log(len(family.amounts))
    if not any(amounts):
        return None
    red, green, blue = (amount / float(np.log(2)) for amount in amounts)
    sources = np.stack([_sources(table) for table in family.tables(np.array(amounts))])
    return Edit("cast", (red, green, blue), sources, total)


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
        self.marks = marks_of(merged_levels(tables(self.amounts)))


def _best(channels: list[Channel], family: _Family) -> tuple[float, float]:
    """The amount with most evidence, and that evidence."""
    amounts = family.amounts[np.argsort(-likeness(family.marks, channels))[:_CANDIDATES]]
    evidence = evidence_of(channels, Curves.of(family.tables(amounts)))
    if evidence.max() < _PROMISING:
        return 0.0, 0.0
    found: list[tuple[float, float]] = []
    for amount in amounts[np.argsort(-evidence)[:_REFINED]]:
        step = _step(abs(amount))
        for _ in range(3):
            near = amount + np.linspace(-step, step, 33)
            finer = evidence_of(channels, Curves.of(family.tables(near)), strays=False)
            best = float(finer.max())
            same = np.flatnonzero(finer == best)  # many amounts give the same levels
            amount = near[same[len(same) // 2]]
            step /= 8
        found.append((best, float(amount)))
    best, amount = max(found)
    return amount, best


def _step(size: float) -> float:
    """How far apart amounts of that size are tried.

    Half a level at white must not be missed; and the first gaps of a weak edit are far apart, so
    that their places depend on the amount's own precision.
    """
    return min(0.003 * size, 0.0025)


@functools.cache
def _gammas() -> _Family:
    return _Family(_gamma, 1.3)


@functools.cache
def _gains() -> _Family:
    return _Family(_gain, 3.0)


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
