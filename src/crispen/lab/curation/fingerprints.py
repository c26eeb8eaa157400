"""Perceptual hashes: 64 bits of a picture or a square of it that survive scaling and compression.

The hash is that of pHash [1]_: of the 8x8 lowest frequencies of 32x32 means, which are above their
median. Two pictures of the same content differ in few of the 64 bits, two others in about half of
them.

.. [1] C. Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crispen.media.color import BT601_FULL

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]
Hashes = NDArray[np.uint64]
CELLS, _LOW = 32, 8
_LONGEST = 320


@dataclass(frozen=True)
class Square:
    """A square inside a picture, in its pixels; fractions are allowed."""

    top: float
    left: float
    side: float


def thumbnail(rgb: Bytes, longest: int = _LONGEST) -> Bytes:
    """``(height, width)`` luma of a picture, shrunk to at most `longest` pixels a side.

    The factor is whole, so that every pixel counts alike; rows and columns that are left over are
    cut off.

    Args:
        rgb: ``(height, width, 3)`` R'G'B'.
        longest: In pixels.
    """
    luma = BT601_FULL.luma(rgb.astype(np.float32) / 255) * 255
    # A narrow picture keeps at least one pixel.
    factor = min(math.ceil(max(luma.shape) / longest), *luma.shape)
    height, width = (n // factor for n in luma.shape)
    parts = luma[: height * factor, : width * factor].reshape(height, factor, width, factor)
    small: Bytes = np.rint(parts.mean(axis=(1, 3))).clip(0, 255).astype(np.uint8)
    return small


class Sums:
    """Sums over everything above and left in a grey picture, which give means of any rectangle.

    Args:
        luma: ``(height, width)``, as `thumbnail` gives it.
    """

    def __init__(self, luma: Bytes) -> None:
        self.height, self.width = luma.shape
        self._table = np.zeros((self.height + 1, self.width + 1))
        np.cumsum(np.cumsum(luma, axis=0, dtype=np.float64), axis=1, out=self._table[1:, 1:])

    def means(self, tops: Floats, lefts: Floats, size: tuple[float, float], count: int) -> Floats:
        """``(tops, lefts, count, count)`` means of the equal parts of rectangles on a grid.

        Args:
            tops: ``(T,)`` their upper edges.
            lefts: ``(L,)`` their left edges.
            size: Their height and width; all are inside the picture.
            count: Parts in each direction.
        """
        height, width = size
        parts = np.linspace(0, 1, count + 1)
        rows = _between(self._table, tops[:, None] + height * parts)  # T, count + 1, width + 1
        bands = np.diff(rows, axis=1).transpose(2, 0, 1)  # width + 1, T, count
        cuts = _between(bands, lefts[:, None] + width * parts)  # L, count + 1, T, count
        sums = np.diff(cuts, axis=1).transpose(2, 0, 3, 1)
        return sums * (count**2 / (height * width))

    def square(self, square: Square, count: int) -> Floats:
        """``(count, count)`` means of the parts of a square."""
        top, left = np.array([square.top]), np.array([square.left])
        found: Floats = self.means(top, left, (square.side, square.side), count)[0, 0]
        return found

    def whole(self, count: int) -> Floats:
        """``(count, count)`` means of the parts of the whole picture."""
        origin = np.zeros(1)
        found: Floats = self.means(origin, origin, (self.height, self.width), count)[0, 0]
        return found

    def squares(self, size: float, stride: float) -> tuple[list[Square], Floats]:
        """Squares spread evenly over the picture, and ``(N, 32, 32)`` means of their parts.

        Args:
            size: Their side as a share of the picture's shorter side.
            stride: Largest distance between neighbours, as a share of their side.
        """
        side = size * min(self.height, self.width)
        tops, lefts = (_spread(n - side, stride * side) for n in (self.height, self.width))
        found = [Square(top, left, side) for top in tops.tolist() for left in lefts.tolist()]
        means = self.means(tops, lefts, (side, side), CELLS)
        return found, means.reshape(len(found), CELLS, CELLS)


def _between(table: Floats, at: Floats) -> Floats:
    """Rows of a table at fractional places, which is exact for sums of pixels."""
    at = np.clip(at, 0, len(table) - 1)
    below = np.minimum(at.astype(np.int64), len(table) - 2)
    share = (at - below).reshape(at.shape + (1,) * (table.ndim - 1))
    found: Floats = table[below] * (1 - share) + table[below + 1] * share
    return found


def _spread(room: float, step: float) -> Floats:
    """Places from 0 to `room`, both included, at most `step` apart."""
    room = max(room, 0.0)
    return np.linspace(0, room, math.ceil(room / step - 1e-9) + 1)


def hashes(means: Floats) -> Hashes:
    """The hash of each of ``(N, 32, 32)`` grey pictures."""
    k, n = np.arange(_LOW)[:, None], np.arange(CELLS)[None]
    cosines = np.cos(np.pi * k * (2 * n + 1) / (2 * CELLS))  # of the DCT-II
    low = (cosines @ means @ cosines.T).reshape(len(means), _LOW * _LOW)
    # Without the mean, which says nothing about the content.
    median = np.median(low[:, 1:], axis=1, keepdims=True)
    return np.packbits(low > median, axis=1).view(np.uint64).ravel()


def bits_between(one: Hashes, other: Hashes) -> Bytes:
    """``(N, M)`` numbers of bits in which hashes differ, 0 to 64."""
    bits: Bytes = np.bitwise_count(one[:, None] ^ other[None])
    return bits


def correlation(one: Floats, other: Floats) -> float:
    """Of two equal shapes, -1 to 1; 0 if one of them is flat."""
    one, other = one - one.mean(), other - other.mean()
    size = math.sqrt(float((one * one).sum() * (other * other).sum()))
    return float((one * other).sum()) / size if size > 1e-6 else 0.0
