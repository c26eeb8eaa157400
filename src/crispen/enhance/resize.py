"""One antialiased bicubic change of size, on a stream of bands.

Each axis is a banded matrix. It is applied in blocks of a few output samples as small dense
matrix products, which BLAS computes faster than any gather: channels stay interleaved, and the
matrix of the columns is ``weights ⊗ identity``.

Measured on one core, 8000x6000 RGB to 7400x5550: 0.5 s; with large products, which
multiply more zeros and which OpenBLAS spreads over threads that compete with the network's, 1.8 s
and more; libvips' ``reducev`` and ``reduceh`` 0.2 s, but up to 23 grey levels off.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from crispen.engines.base import Pixels
from crispen.enhance.rows import Rows
from crispen.media.resample import taps

Floats = NDArray[np.float32]

_BLOCK = 8  # output rows or columns per product; more would multiply more zeros
_BAND = 128  # rows made at once, if they hold at most this many samples:
_BAND_SAMPLES = 8_000_000
# Multiply-adds up to which OpenBLAS stays in the caller's thread; also about the size of a cache.
_PRODUCT = 1 << 18


@dataclass(frozen=True, slots=True)
class _Block:
    """Some output samples and the input samples they need.

    Attributes:
        out: First output sample, one past the last.
        source: First input sample, one past the last.
        matrix: ``(outputs, inputs)`` float32.
    """

    out: tuple[int, int]
    source: tuple[int, int]
    matrix: Floats


def _blocks(n_in: int, n_out: int, size: int) -> list[_Block]:
    t = taps(n_in, n_out)
    blocks = []
    for start in range(0, n_out, size):
        indices, weights = t.indices[start : start + size], t.weights[start : start + size]
        first, last = int(indices.min()), int(indices.max()) + 1
        matrix = np.zeros((len(indices), last - first))
        np.add.at(matrix, (np.arange(len(indices))[:, None], indices - first), weights)
        blocks.append(
            _Block((start, start + len(indices)), (first, last), matrix.astype(np.float32))
        )
    return blocks


def _length(matrix: Floats) -> int:
    """How many vectors to multiply `matrix` with at once."""
    return max(16, _PRODUCT // matrix.size)


def _round(levels: Floats, like: Pixels) -> Pixels:
    peak = np.float32(np.iinfo(like.dtype).max)
    levels += np.float32(0.5)
    np.clip(levels, 0, peak, out=levels)
    return cast(Pixels, levels.astype(like.dtype))


class Resizer:
    """Resizes frames, band by band.

    With alpha, colour is weighted by it, so that colour hidden under transparent pixels never
    shows.

    Args:
        width: Columns of the input.
        height: Rows of an input frame.
        out_width: Columns of the output.
        out_height: Rows of the output.
        channels: 1 to 4; 2 and 4 end in alpha.
    """

    def __init__(
        self, width: int, height: int, out_width: int, out_height: int, channels: int
    ) -> None:
        self._alpha = channels in (2, 4)
        self._channels = channels
        self._width = out_width
        row = channels * max(out_width, width * max(1.0, height / out_height))
        rows = _blocks(height, out_height, _BLOCK)
        band = max(1, min(_BAND, int(_BAND_SAMPLES / row)) // _BLOCK)
        self._down = [rows[i : i + band] for i in range(0, len(rows), band)]
        eye = np.eye(channels, dtype=np.float32)
        # A (rows, inputs · channels) row block times this is (rows, outputs · channels).
        self._across = [
            _Block(b.out, b.source, np.ascontiguousarray(np.kron(b.matrix.T, eye)))
            for b in _blocks(width, out_width, _BLOCK)
        ]
        self._same_width = width == out_width
        self._same_height = height == out_height

    def frame(self, bands: Iterator[Pixels]) -> Iterator[Pixels]:
        """The bands of one frame at the new size."""
        rows = Rows(bands)
        for blocks in self._down:
            # Bicubic's taps reach further even where their weights are nothing.
            first, last = (
                (blocks[0].out, blocks[-1].out)
                if self._same_height
                else (blocks[0].source, blocks[-1].source)
            )
            yield self._band(rows.take(first[0], last[1]), blocks)

    def _band(self, pixels: Pixels, blocks: Sequence[_Block]) -> Pixels:
        peak = np.float32(np.iinfo(pixels.dtype).max)
        levels = pixels.astype(np.float32)
        if self._alpha:
            levels[..., :-1] *= levels[..., -1:] / peak
        flat = levels.reshape(len(levels), -1)
        if not self._same_height:
            flat = self._rows(flat, blocks)
        if not self._same_width:
            flat = self._columns(flat)
        out = flat.reshape(len(flat), self._width, self._channels)
        if self._alpha:
            alpha = out[..., -1:]
            # Where alpha rounds to nothing there is no colour to tell. Not clipped before: its
            # overshoot inside an edge is the colour's too, and cancels.
            out[..., :-1] *= np.where(alpha >= 0.5, peak / np.maximum(alpha, 0.5), 0)
        return _round(out, pixels)

    def _rows(self, flat: Floats, blocks: Sequence[_Block]) -> Floats:
        top, origin = blocks[0].out[0], blocks[0].source[0]
        out = np.empty((blocks[-1].out[1] - top, flat.shape[1]), np.float32)
        for block in blocks:
            source = flat[block.source[0] - origin : block.source[1] - origin]
            result = out[block.out[0] - top : block.out[1] - top]
            step = _length(block.matrix)
            for x in range(0, flat.shape[1], step):
                np.matmul(block.matrix, source[:, x : x + step], out=result[:, x : x + step])
        return out

    def _columns(self, flat: Floats) -> Floats:
        c = self._channels
        out = np.empty((len(flat), self._width * c), np.float32)
        for block in self._across:
            first, last = block.source
            start, stop = block.out
            source, result = flat[:, first * c : last * c], out[:, start * c : stop * c]
            step = _length(block.matrix)
            for y in range(0, len(flat), step):
                np.matmul(source[y : y + step], block.matrix, out=result[y : y + step])
        return out
