"""NIQE: how far a picture's statistics are from those of natural pictures, without a reference.

The picture is normalised by its local mean and contrast. For every block of 96×96 pixels, and for
the same block at half size, 18 numbers describe the distributions of the normalised values and of
the products of neighbours. The score is the distance between the Gaussian fitted to these numbers
and that of natural pictures [1]_. Lower is better; 3 to 5 is usual for good photographs. The
constants of the natural pictures are the authors' own (``niqe-notice.txt``).

.. [1] A. Mittal, R. Soundararajan, A. C. Bovik, "Making a completely blind image quality analyzer",
   IEEE Signal Processing Letters 2013, doi:10.1109/LSP.2012.2227726
"""

from __future__ import annotations

import functools
import math
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from crispen.media.resample import resize

Array = NDArray[np.float64]

BLOCK_PX = 96
# Fewer blocks than this have no covariance.
_LEAST_BLOCKS = 2
_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))


def niqe(luma: Array) -> float | None:
    """The score of a picture; None for fewer than two blocks of 96×96 pixels.

    Args:
        luma: ``(height, width)`` in grey levels, as `metrics.luma255` gives it; it is rounded.
    """
    rows, columns = (n // BLOCK_PX for n in luma.shape)
    if rows * columns < _LEAST_BLOCKS:
        return None
    picture: Array = luma[: rows * BLOCK_PX, : columns * BLOCK_PX].astype(np.float64).round()
    half = half_size(picture)
    features = np.concatenate(
        [_features(picture, BLOCK_PX), _features(half, BLOCK_PX // 2)], axis=1
    )
    whole = features[~np.isnan(features).any(axis=1)]
    if len(whole) < _LEAST_BLOCKS:
        return None
    mean = np.nanmean(features, axis=0)
    natural_mean, natural_covariance = _natural()
    between = np.linalg.pinv((natural_covariance + np.cov(whole, rowvar=False)) / 2)
    distance = natural_mean - mean
    return float(np.sqrt(distance @ between @ distance))


@functools.cache
def _natural() -> tuple[Array, Array]:
    with (resources.files("crispen.evaluate") / "niqe.npz").open("rb") as file:
        model = np.load(file)
        return model["mean"], model["covariance"]


def half_size(picture: Array) -> Array:
    """A picture of even sides at half its size."""
    # MATLAB's imresize mirrors the picture at its edge.
    around = np.pad(picture, 8, mode="symmetric")
    half = resize(around, around.shape[0] // 2, around.shape[1] // 2)
    return np.asarray(half, np.float64)[4:-4, 4:-4]


def _features(picture: Array, block: int) -> Array:
    """``(blocks, 18)``."""
    normal = normalised(picture)
    return np.array(
        [
            _describe(normal[top : top + block, left : left + block])
            for left in range(0, picture.shape[1], block)
            for top in range(0, picture.shape[0], block)
        ]
    )


def normalised(picture: Array) -> Array:
    """A picture minus its local mean, divided by its local contrast."""
    mean = _smooth(picture)
    contrast = np.sqrt(np.abs(_smooth(picture**2) - mean**2))
    return np.asarray((picture - mean) / (contrast + 1), np.float64)


def _smooth(picture: Array) -> Array:
    offsets = np.arange(-3, 4)
    window = np.exp(-(offsets**2) / (2 * (7 / 6) ** 2))
    window /= window.sum()
    out = np.pad(picture, 3, mode="edge")
    for _ in range(2):  # rows, then columns: the window is separable
        out = np.lib.stride_tricks.sliding_window_view(out, 7, axis=0) @ window
        out = out.T
    return out


def _describe(block: Array) -> list[float]:
    # A flat block has no distribution; it counts as unknown rather than as a number.
    with np.errstate(divide="ignore", invalid="ignore"):
        shape, left, right = _fit(block)
        numbers = [shape, (left + right) / 2]
        for shift in _NEIGHBOURS:
            shape, left, right = _fit(block * np.roll(block, shift, axis=(0, 1)))
            centre = (right - left) * math.gamma(2 / shape) / math.gamma(1 / shape)
            numbers += [shape, centre, left, right]
    return numbers


@functools.cache
def _shapes() -> tuple[Array, Array]:
    shapes = np.arange(0.2, 10.001, 0.001)
    gamma = np.vectorize(math.gamma)
    return shapes, gamma(2 / shapes) ** 2 / (gamma(1 / shapes) * gamma(3 / shapes))


def distribution(values: Array) -> tuple[float, float, float]:
    """Shape and both deviations of the asymmetric generalised Gaussian, by moments."""
    below, above = values[values < 0], values[values > 0]
    left = float(np.sqrt(np.mean(below**2))) if below.size else math.nan
    right = float(np.sqrt(np.mean(above**2))) if above.size else math.nan
    skew = left / right
    ratio = np.mean(np.abs(values)) ** 2 / np.mean(values**2)
    ratio *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    shapes, ratios = _shapes()
    shape = float(shapes[np.argmin((ratios - ratio) ** 2)])
    return shape, left, right


def _fit(values: Array) -> tuple[float, float, float]:
    """Its shape and both scales."""
    shape, left, right = distribution(values)
    width = math.sqrt(math.gamma(1 / shape) / math.gamma(3 / shape))
    return shape, left * width, right * width
