"""How well a tone curve explains a picture's histograms, as a likelihood ratio.

A tone curve that was applied to 8-bit pixels and rounded leaves marks in the histogram: where the
curve rises by more than a level per level, some levels are empty, and where it rises by less, some
hold the pixels of several. Pictures themselves have smooth histograms, so the applied curve is the
one under which the original's histogram becomes smooth [M. C. Stamm and K. J. R. Liu, Forensic
detection of image manipulation using statistical intrinsic fingerprints, IEEE TIFS 5(3), 2010,
doi:10.1109/TIFS.2010.2053202]. JPEG, noise and resizing erase these marks.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from crispen.models.curve import LEVELS

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
# Evidence for each level that was judged.
_PER_LEVEL = 0.2
# So many levels must stand out by 1.4 times from their surroundings, or nothing is searched.
_OUTSTANDING, _STANDS_OUT = 8, 0.35


class Curves:
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

    @classmethod
    def of(cls, tables: NDArray[np.intp]) -> Curves:
        """Of ``(n, LEVELS)``: the level that each becomes."""
        return cls(merged_levels(tables))


def merged_levels(tables: NDArray[np.intp]) -> NDArray[np.intp]:
    """``(n, LEVELS)``: how many levels became each level."""
    places = tables + LEVELS * np.arange(len(tables))[:, None]
    return np.bincount(places.ravel(), minlength=places.size).reshape(places.shape)


class Channel:
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

    def residuals(self, curves: Curves) -> NDArray[np.float32]:
        """``(n, reachable levels)``: how far each level is from what its neighbours predict.

        Natural logarithms of pixels per source level; 0 where nothing can be judged.
        """
        weights = (curves.present & self.inside[curves.order]).astype(np.float32)
        density = self.logs[curves.order] - curves.log_merged
        judged = self.judged[curves.order].astype(np.float32)
        found: NDArray[np.float32] = _residuals(density, weights) * judged
        return found

    def misfit(self, curves: Curves) -> Floats:
        """``(n,)``: mean residual of the judged levels; a level that must be empty counts too."""
        stray = np.minimum(self.logs, _MOST) * self.judged
        total = np.abs(self.residuals(curves)).sum(axis=1) + curves.unreachable @ stray.astype(
            np.float32
        )
        return np.asarray(total / max(1, self.judged.sum()), np.float64)

    def stray(self, curves: Curves) -> Floats:
        """``(n,)``: share of the pixels at levels that a curve cannot produce."""
        return np.asarray(curves.unreachable @ self.counts / max(1, self.pixels), np.float64)

    def evidence(self, curves: Curves) -> Floats:
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


def marks_of(counts: NDArray[np.intp]) -> NDArray[np.float32]:
    """``(n, LEVELS)``: the residuals that curves leave in a smooth histogram."""
    logs = np.log(np.maximum(counts, np.exp(-_MOST))).astype(np.float32)
    return _residuals(logs, np.ones_like(logs))


def likeness(marks: NDArray[np.float32], channels: list[Channel]) -> NDArray[np.float32]:
    """``(n,)``: correlation of curves' marks with those in the channels, summed."""
    total = np.zeros(len(marks), np.float32)
    for channel in channels:
        seen = channel.marks
        norm = np.sqrt((marks**2 @ channel.judged.astype(np.float32)) * (seen @ seen))
        total += marks @ seen / np.maximum(norm, 1e-6)
    return total


def occupied(channels: list[Channel]) -> NDArray[np.intp]:
    """The levels that a pixel of any channel has, from the lowest."""
    return np.flatnonzero(np.sum([channel.counts for channel in channels], axis=0))


@functools.cache
def _unedited() -> Curves:
    return Curves(np.ones((1, LEVELS), np.intp))


def evidence_of(channels: list[Channel], curves: Curves, *, strays: bool = True) -> Floats:
    """``(n,)``: the evidence of curves that all channels have gone through.

    Args:
        channels: The channels.
        curves: The curves.
        strays: Whether pixels may lie at levels that a curve cannot produce.
    """
    total = np.sum([channel.evidence(curves) for channel in channels], axis=0)
    if not strays:
        most = np.max([channel.stray(curves) for channel in channels], axis=0)
        total = total - EVIDENCE * (most > _STRAY)
    return np.asarray(total, np.float64)


def needed(channels: list[Channel]) -> float:
    """The least evidence that proves an edit."""
    judged = sum(int(channel.judged.sum()) for channel in channels)
    return max(EVIDENCE, _PER_LEVEL * judged)


def fits(channel: Channel, curve: Curves) -> bool:
    """Whether one curve explains a channel about as well as a picture's own histogram is smooth."""
    if channel.stray(curve)[0] > _STRAY:
        return False
    return not channel.enough or float(channel.misfit(curve)[0]) < _FIT
