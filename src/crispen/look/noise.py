"""How noisy a picture is, from its flattest places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_CELL = 16
_FLATTEST = 0.1
# Of white noise alone the quietest tenth of the cells is so much quieter than all of them.
_CHOSEN = 1.12


def noise_sigma(pixels: NDArray[np.uint8]) -> float:
    """Standard deviation of white noise in levels of 255.

    The difference of two Laplacians leaves no plane and no edge along an axis, and of noise a
    known share: its mean absolute value gives σ [1]_. It is taken in cells of 16×16 pixels, and the
    flattest tenth of those that are not clipped counts, since texture looks like noise. JPEG
    smooths such places, so of a JPEG this is what is left of the noise.

    .. [1] J. Immerkær, "Fast noise variance estimation", 1996, doi:10.1006/cviu.1996.0060

    Args:
        pixels: ``(height, width, 3)`` R'G'B'.
    """
    height, width = (max(0, n - 2) for n in pixels.shape[:2])
    rows, columns = height // _CELL, width // _CELL
    if not rows or not columns:
        return 0.0
    green = pixels[: rows * _CELL + 2, : columns * _CELL + 2, 1].astype(np.int32)
    across = green[:, :-2] - 2 * green[:, 1:-1] + green[:, 2:]
    detail = np.abs(across[:-2] - 2 * across[1:-1] + across[2:])
    clipped = (green[1:-1, 1:-1] < 3) | (green[1:-1, 1:-1] > 252)
    shape = (rows, _CELL, columns, _CELL)
    usable = clipped.reshape(shape).mean(axis=(1, 3)) < 0.05
    cells = detail.reshape(shape).mean(axis=(1, 3))[usable]
    if not len(cells):
        return 0.0
    kept = np.sort(cells)[: max(1, int(_FLATTEST * len(cells)))]
    return float(_CHOSEN * np.sqrt(np.pi / 2) * np.median(kept) / 6)
