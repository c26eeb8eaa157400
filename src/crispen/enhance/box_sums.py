"""Sums over squares around each pixel, by doubling: 1, 2, 4, 8 … rows, then what is missing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def moving_sums(x: NDArray[Any], count: int) -> NDArray[Any]:
    """Sums of `count` rows in a row, ``len(x) - count + 1`` of them, in the dtype of `x`."""
    length = len(x) - count + 1
    doubled = [x]
    while 2 << len(doubled) - 1 <= count:
        step = 1 << len(doubled) - 1
        doubled.append(doubled[-1][:-step] + doubled[-1][step:])
    start = 1 << len(doubled) - 1
    total: NDArray[Any] = doubled[-1][:length].copy()
    for power in reversed(range(len(doubled) - 1)):
        if count >> power & 1:
            total += doubled[power][start : start + length]
            start += 1 << power
    return total


def box_sums(x: NDArray[Any], radius: int) -> NDArray[Any]:
    """Sums over squares of ``2 · radius + 1`` of the first two axes, cut at the array's border."""
    around = [(radius, radius), *[(0, 0)] * (x.ndim - 1)]
    for _ in range(2):
        x = moving_sums(np.pad(x, around), 2 * radius + 1).swapaxes(0, 1)
    return x
