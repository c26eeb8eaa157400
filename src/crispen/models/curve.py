"""A tone curve for a whole picture: input and output of a relighting network.

A network of this kind (``card.curve``) does not process single pixels. Its input is a small view of
the picture and its quantiles, its output one increasing curve per channel, in which pixels are then
looked up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crispen.media.color import BT601_STUDIO
from crispen.media.resample import resize

VIEW = 32
"""Side of the view, which is the whole picture brought to a square by averaging."""
SHORTEST = 96
"""Larger pictures are shrunk until their shorter side is this before they are looked at."""
KNOTS = 257
LEVELS = 256
"""Of a byte."""
QUANTILES = (
    *(0.0, 0.002, 0.005, 0.01, 0.03),
    *(0.06, 0.1, 0.16, 0.22, 0.3, 0.4, 0.5, 0.6, 0.7, 0.78, 0.84, 0.9, 0.94),
    *(0.97, 0.99, 0.995, 0.998, 1.0),
)
LUMA = (0.299, 0.587, 0.114)
# A correction that differs on average by less than this from none, or from a simple one, is
# replaced by it: benchmarks/light.py.
_NOTHING, _ALIKE = 3 / 255, 20 / 255
# Where a picture already reaches from black to white, to within the last of these, more of its tone
# and of its colour must be wrong: what a network finds in good pictures is smaller.
_TONE, _COLOR, _ENDS = 11 / 255, 2.5 / 255, 4 / 255
# Rows and columns are skipped in pictures this many times larger than the shrunk size.
_SPARE = 4


def knots() -> NDArray[np.float64]:
    """``(KNOTS,)``: the values between 0 and 1 at which a curve is defined; dense in the dark."""
    places: NDArray[np.float64] = (np.arange(KNOTS) / (KNOTS - 1)) ** 2
    return places


@dataclass(frozen=True, slots=True)
class Overview:
    """A network's input for a picture.

    Attributes:
        view: ``(3, VIEW, VIEW)`` R'G'B' in [0, 1].
        statistics: ``(7, len(QUANTILES))``: quantiles of red, green, blue, luma, of a pixel's
            lowest and highest channel, and of the difference of these two. The first and the last
            are of all pixels, so that stretching can be measured exactly.
        histograms: ``(3, LEVELS)``: visible pixels at each level of red, green and blue, if levels
            are bytes as they were stored; else None.
    """

    view: NDArray[np.float32]
    statistics: NDArray[np.float32]
    histograms: NDArray[np.int64] | None = None

    @property
    def colorfulness(self) -> float:
        """The largest difference between the channels of a pixel, single specks left out."""
        return float(self.statistics[6, -4])

    @classmethod
    def of(cls, pixels: NDArray[Any], peak: int, *, stored: bool = True) -> Overview:
        """Of a whole picture.

        Args:
            pixels: ``(height, width, 1 to 4)`` levels up to `peak`; 2 and 4 channels end in alpha,
                and hidden pixels do not count.
            peak: The level of 1.0.
            stored: Whether the levels are those of the file, not converted from others.
        """
        return cls.of_bands([pixels], pixels.shape[0], peak, stored=stored)

    @classmethod
    def of_bands(
        cls, bands: Iterable[NDArray[Any]], height: int, peak: int, *, stored: bool = True
    ) -> Overview:
        """Of a picture in bands, of which little is kept.

        Args:
            bands: ``(rows, width, 1 to 4)``, from the top.
            height: Of the picture; later rows are ignored.
            peak: The level of 1.0.
            stored: As for `of`.
        """
        counts: NDArray[np.int64] | None = None
        kept: list[NDArray[Any]] = []
        ends: list[NDArray[Any]] = []
        row = 0
        for band in bands:
            step = max(1, min(height, band.shape[1]) // (SHORTEST * _SPARE))
            band = band[: max(0, height - row)]
            kept.append(np.array(band[-row % step :: step, ::step]))
            if peak == LEVELS - 1 and band.dtype == np.uint8:
                found = _histograms(band)
                counts = found if counts is None else counts + found
            else:
                ends.extend(_ends(band))
            row += len(band)
            if row >= height:
                break
        few = _visible(np.concatenate(kept).astype(np.float32) / np.float32(peak))
        if few.shape[2] == 1:
            few = np.repeat(few, 3, axis=2)
        if counts is not None and counts.any():
            ends = [np.array([np.flatnonzero(row)[[0, -1]] for row in counts]).T]
        if not ends:  # nothing of it is visible
            ends = [np.zeros((2, 1))]
        least, most = np.stack(ends).astype(np.float32).transpose(1, 0, 2) / np.float32(peak)
        return cls._of_few(few, least.min(axis=0), most.max(axis=0), counts if stored else None)

    @classmethod
    def _of_few(
        cls,
        rgb: NDArray[np.float32],
        least: NDArray[np.float32],
        most: NDArray[np.float32],
        histograms: NDArray[np.int64] | None,
    ) -> Overview:
        height, width = rgb.shape[:2]
        short = min(height, width)
        if short > SHORTEST:
            sides = (round(side * SHORTEST / short) for side in (height, width))
            rgb = np.asarray(resize(rgb, *sides, method="bilinear"), np.float32)
        view = _averaged(_averaged(rgb, 0), 1)
        lowest, highest = rgb.min(axis=2), rgb.max(axis=2)
        luma = rgb @ np.array(LUMA, np.float32)
        more = np.stack([luma, lowest, highest, highest - lowest], axis=2)
        ordered = np.sort(np.concatenate([rgb, more], axis=2).reshape(-1, 7), axis=0)
        places = np.rint(np.array(QUANTILES) * (len(ordered) - 1)).astype(int)
        statistics = ordered[places].T.copy()
        statistics[:3, 0], statistics[:3, -1] = least, most
        statistics[4, 0], statistics[5, -1] = least.min(), most.max()
        return cls(view.transpose(2, 0, 1).copy(), statistics, histograms)


def _histograms(band: NDArray[np.uint8]) -> NDArray[np.int64]:
    """``(3, LEVELS)`` visible pixels at each level."""
    colors = band.shape[2] - (band.shape[2] in (2, 4))
    seen = ... if colors == band.shape[2] else band[..., -1] > 0
    rows = [np.bincount(band[..., i][seen].ravel(), minlength=LEVELS) for i in range(colors)]
    return np.stack(rows * (3 // colors))


def _ends(band: NDArray[Any]) -> list[NDArray[Any]]:
    """``(2, channels)``: the lowest and the highest level, if any pixel is visible."""
    channels = band.shape[2]
    seen = band.reshape(-1, channels)
    if channels in (2, 4):
        seen = seen[seen[:, -1] > 0, :-1]
    return [np.stack([seen.min(axis=0), seen.max(axis=0)])] if len(seen) else []


def _averaged(pixels: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """One axis averaged to `VIEW` cells."""
    length = pixels.shape[axis]
    cells = np.arange(VIEW)
    starts, stops = cells * length // VIEW, -(-(cells + 1) * length // VIEW)
    zero = np.zeros_like(pixels.take([0], axis=axis))
    sums = np.concatenate([zero, pixels], axis=axis).cumsum(axis=axis, dtype=np.float64)
    counts = (stops - starts).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
    sums = sums.take(stops, axis=axis) - sums.take(starts, axis=axis)
    return np.asarray(sums / counts, np.float32)


def _visible(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Without alpha; hidden pixels are given those of visible ones, which keeps the quantiles."""
    channels = pixels.shape[2]
    if channels in (1, 3):
        return pixels
    color, seen = pixels[..., :-1].copy(), pixels[..., -1] > 0
    if seen.any() and not seen.all():
        color[~seen] = np.resize(color[seen], (int((~seen).sum()), channels - 1))
    return color


@dataclass(frozen=True, slots=True)
class Curve:
    """Tone curves.

    Attributes:
        values: ``(3, KNOTS)`` in [0, 1]: the results for the values at `knots`, for R', G' and B'.
        bytes: ``(3, LEVELS)``: exact results for levels of 8 bits, from 0 to 255, if known.
    """

    values: NDArray[np.float64]
    bytes: NDArray[np.float64] | None = None

    def tables(self, peak: int, *, grey: bool = False, studio: bool = False) -> NDArray[np.float64]:
        """``(1 or 3, peak + 1)``: the result for every level, rounded.

        Args:
            peak: The level of white.
            grey: One table for all channels.
            studio: Levels are studio-range luma of `peak`.
        """
        if self.bytes is not None and peak == LEVELS - 1 and not studio:
            exact: NDArray[np.float64] = np.rint(
                self.bytes.mean(axis=0, keepdims=True) if grey else self.bytes
            )
            return exact
        levels = np.arange(peak + 1) / peak
        swing, black = (
            (BT601_STUDIO.luma_weights.sum(), BT601_STUDIO.luma_offset) if studio else (1.0, 0.0)
        )
        values = self.values.mean(axis=0, keepdims=True) if grey else self.values
        full = (levels - black) / swing
        inside = full.clip(0.0, 1.0)
        # Values below black and above white keep their distance from them.
        found = np.stack([np.interp(inside, knots(), row) for row in values]) + (full - inside)
        found = ((found * swing + black) * peak).clip(0, peak)
        rounded: NDArray[np.float64] = np.rint(found)
        return rounded


def simplest(curve: Curve, overview: Overview) -> Curve:
    """The simple correction close to a network's curve, if there is one; else the curve itself.

    A network is never exact. So good light stays exactly as it is, and a picture that was only
    stretched, or exposed too shortly, gets back what it had.

    Args:
        curve: The network's output.
        overview: Of the picture.
    """
    places, quantiles = knots(), overview.statistics[:3].astype(np.float64)
    meant = _at(curve.values, quantiles)
    candidates = [np.tile(values, (3, 1)) for values in _simple(places, overview)]
    shown = [_at(values, quantiles) for values in candidates]
    apart = [_mean_distance(values, meant) for values in shown]
    from_none = [_mean_distance(values, shown[0]) for values in shown]
    change = meant - shown[0]
    tone = change.mean(axis=0)
    minor = _mean_distance(tone, 0) < _TONE and _mean_distance(change, tone) < _COLOR
    reaches_ends = len(candidates) == 1 or from_none[1] < _ENDS
    if apart[0] < _NOTHING or (reaches_ends and minor):
        return Curve(candidates[0])
    # What is nearly nothing itself is no explanation.
    others = [i for i in range(1, len(candidates)) if from_none[i] > _NOTHING]
    nearest = min(others, key=apart.__getitem__, default=0)
    return Curve(candidates[nearest]) if nearest and apart[nearest] < _ALIKE else curve


def _mean_distance(a: NDArray[np.float64], b: NDArray[np.float64] | float) -> float:
    return float(np.abs(a - b).mean())


def _at(values: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([np.interp(x, knots(), y) for x, y in zip(places, values, strict=True)])


def _simple(x: NDArray[np.float64], overview: Overview) -> list[NDArray[np.float64]]:
    """Nothing; black and white to the ends; light so that the brightest pixel is white."""
    low, high = float(overview.statistics[4, 0]), float(overview.statistics[5, -1])
    if high - low < _ALIKE:
        return [x]
    stretched = ((x - low) / (high - low)).clip(0.0, 1.0)
    exposed = encoded((linear(x) / linear(np.array(high))).clip(0.0, 1.0))
    return [x, stretched, exposed]


def linear(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear light from sRGB values in [0, 1] [IEC 61966-2-1]."""
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def encoded(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of `linear`."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
