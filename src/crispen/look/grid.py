"""Position of the 8×8 blocks if a picture was once a JPEG and they are still visible.

A cropped JPEG keeps its blocks, but no longer at multiples of eight. At their borders, neighbours
differ more than elsewhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BLOCK = 8
# Minimum lead of the step at the borders over the next highest, in standard errors.
_SURE = 6.0
# A step less than this share above the usual is invisible.
_LEAST = 0.04
_MOST_SIDE = 640


def grid_offset(pixels: NDArray[np.uint8]) -> tuple[int, int] | None:
    """Columns and rows before the first border, 0 to 7 each; None if no grid is visible.

    Second differences are compared by position modulo 8. Their square roots are used, so that a few
    hard edges do not dominate.

    Args:
        pixels: ``(height, width, 3)`` R'G'B'.
    """
    height, width = pixels.shape[:2]
    if min(height, width) < 6 * _BLOCK:
        return None
    # The middle, starting at a multiple of eight.
    inside = tuple(_middle(length) for length in (height, width))
    pixels = pixels[inside]
    luma = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    across, down = _offset(luma), _offset(luma.T)
    return None if across is None or down is None else (across, down)


def _middle(length: int) -> slice:
    kept = min(length, _MOST_SIDE)
    begin = (length - kept) // 2 // _BLOCK * _BLOCK
    return slice(begin, begin + kept)


def _offset(luma: NDArray[np.float32]) -> int | None:
    step = np.abs(luma[:, 1:] - luma[:, :-1])
    # How much larger the step is than its neighbours, which belong to the picture itself.
    excess = np.sqrt(step[:, 1:-1]) - 0.5 * (np.sqrt(step[:, :-2]) + np.sqrt(step[:, 2:]))
    usual = float(np.sqrt(step).mean())
    columns = excess.mean(axis=0)
    places = (np.arange(len(columns)) + 2) % _BLOCK  # column 2 follows the second step
    means = np.array([columns[places == place].mean() for place in range(_BLOCK)])
    best = int(means.argmax())
    others = np.delete(means, best)
    spread = float(columns[places != best].std() / np.sqrt((places == best).sum()))
    if means[best] - others.max() < _SURE * max(spread, 1e-9) or means[best] < _LEAST * usual:
        return None
    return best
