"""How noisy a picture is, from its flattest places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_CELL = 16
_FLATTEST = 0.1
# For pure white noise, the quietest tenth of the cells is quieter than all by this factor.
_CHOSEN = 1.12
# Mean difference of two channels, in levels, below which a picture counts as grey.
_NEUTRAL = 1.5


def noise_sigma(pixels: NDArray[np.uint8]) -> float:
    """Standard deviation of white noise in levels of 255.

    The difference of two Laplacians removes planes and axis-aligned edges, and keeps a known share
    of noise: its mean absolute value gives σ [1]_. It is computed in cells of 16×16 pixels; the
    flattest tenth of the unclipped ones counts, since texture looks like noise. JPEG smooths such
    places, so for a JPEG this is the remaining noise.

    .. [1] J. Immerkær, "Fast noise variance estimation", 1996, doi:10.1006/cviu.1996.0060

    Args:
        pixels: ``(height, width, 3)`` R'G'B'.
    """
    green = pixels[..., 1].astype(np.int32)
    return _in_flattest(green, (green < 3) | (green > 252))


def color_noise_sigma(pixels: NDArray[np.uint8]) -> float | None:
    """The same from the differences of the channels, which have almost no texture.

    The noise of a sensor or of a computer differs from channel to channel; grass, stars and cloth
    do not. It is within 6 per cent for white noise, and 0 to 1 level for clean photographs
    (``benchmarks/crossover.py``). Codecs that halve the colour's resolution smooth it away.

    Args:
        pixels: ``(height, width, 3)`` R'G'B'.

    Returns:
        None if red, green and blue are nearly equal everywhere, as in grey pictures.
    """
    red, green, blue = (pixels[..., i].astype(np.int32) for i in range(3))
    clipped: NDArray[np.bool_] = np.asarray(((pixels < 3) | (pixels > 252)).any(axis=2))
    found = []
    for other in (red, blue):
        difference = other - green
        if np.abs(difference).mean() < _NEUTRAL:
            return None
        found.append(_in_flattest(difference, clipped))
    return min(found) / float(np.sqrt(2))


def _in_flattest(plane: NDArray[np.int32], clipped: NDArray[np.bool_]) -> float:
    height, width = (max(0, n - 2) for n in plane.shape)
    rows, columns = height // _CELL, width // _CELL
    if not rows or not columns:
        return 0.0
    inside = slice(0, rows * _CELL + 2), slice(0, columns * _CELL + 2)
    plane, clipped = plane[inside], clipped[inside][1:-1, 1:-1]
    across = plane[:, :-2] - 2 * plane[:, 1:-1] + plane[:, 2:]
    detail = np.abs(across[:-2] - 2 * across[1:-1] + across[2:])
    shape = (rows, _CELL, columns, _CELL)
    usable = clipped.reshape(shape).mean(axis=(1, 3)) < 0.05
    cells = detail.reshape(shape).mean(axis=(1, 3))[usable]
    if not len(cells):
        return 0.0
    kept = np.sort(cells)[: max(1, int(_FLATTEST * len(cells)))]
    return float(_CHOSEN * np.sqrt(np.pi / 2) * np.median(kept) / 6)
