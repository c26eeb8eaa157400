"""Gives a picture back the mean that a network, or clipping its result, has taken.

On checkerboards, halftones and dithered pictures a network's result extends 100 to 270 levels
beyond black and white. What is clipped there is not the same on either side, so a printed tone
would become darker or lighter. Photographs lose less than `KEPT` levels almost everywhere, and
stay as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crispen.engines.base import Pixels
from crispen.enhance.box_sums import box_sums

# In 255ths of the peak: shifts up to the first are left, those from the second are undone.
KEPT, UNDONE = 0.7, 1.0
# What is given back is partly clipped again.
_ROUNDS = 3


def mean_halo(radius: int) -> int:
    """Input pixels around a result's pixel on which the correction depends."""
    return radius * _ROUNDS


def keep_means(pixels: Pixels, result: Pixels, peak: int, radius: int) -> Pixels:
    """`keep_mean` for each channel on its own: for networks that compute every channel.

    Of a saturated colour they clip one channel, whose mean may be off by 2 levels where the mean
    over channels is off by 0.1. Luma networks move all channels alike; for them this would cost
    three times as much, and change no more than 0.001 dB.
    """
    for channel in range(pixels.shape[2]):
        part = np.s_[..., channel : channel + 1]
        plain: Pixels = pixels[part].copy()
        answer: Pixels = result[part].copy()
        result[part] = keep_mean(plain, answer, peak, radius)
    return result


def keep_mean(pixels: Pixels, result: Pixels, peak: int, radius: int) -> Pixels:
    """The result with the local means of the pixels it was made of.

    Args:
        pixels: ``(height, width, channels)``, without alpha.
        result: ``(scale · height, scale · width, channels)``, the same dtype; may be written.
        peak: The largest level.
        radius: Means are compared over squares of ``2 · radius + 1`` pixels of the source.

    Returns:
        The same shape and dtype. All channels of a pixel are moved alike, so neutral ones stay
        neutral. Depends on `mean_halo` input pixels more than `result` does.
    """
    height, width, channels = pixels.shape
    scale = result.shape[0] // height
    blocks = result.reshape(height, scale, width, scale, channels)
    unit = peak / 255
    count = np.float32(scale * scale * channels * unit)
    wanted = _totals(pixels, 1) * (scale * scale)
    area = box_sums(np.ones(wanted.shape, np.int32), radius)
    share = (1 / (area * count)).astype(np.float32)
    for _ in range(_ROUNDS):
        shift = box_sums(_totals(result, scale) - wanted, radius) * share
        spots = np.nonzero(np.abs(shift) > KEPT)
        if not len(spots[0]):
            break
        back = shift[spots]
        back *= np.clip((np.abs(back) - KEPT) / (UNDONE - KEPT), 0, 1)
        rows, columns = spots
        levels = blocks[rows, :, columns] - np.rint(back * unit)[:, None, None, None]
        blocks[rows, :, columns] = np.clip(levels, 0, peak)
    return result


def _totals(levels: Pixels, scale: int) -> NDArray[np.int32]:
    """``(height / scale, width / scale)``: sums over squares of pixels and their channels."""
    height, width, channels = levels.shape
    # 257 times 255 is the most that 16 bits hold; they are twice as fast.
    small = levels.dtype == np.uint8 and scale * scale * channels <= 257
    wide: type[np.integer] = np.uint16 if small else np.int32
    rows = levels.reshape(height // scale, scale, width * channels)
    down: NDArray[Any] = rows[:, 0].astype(wide)
    for row in range(1, scale):
        down += rows[:, row]
    step = scale * channels
    total: NDArray[Any] = down[:, ::step].astype(wide)
    for column in range(1, step):
        total += down[:, column::step]
    return total.astype(np.int32)
