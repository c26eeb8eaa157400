"""Tiles for networks without a finite halo: overlapped, weighted and averaged.

`cosine` weights tiles by a raised cosine that falls over the overlap, which hides the seams of
networks that look at the whole tile. `average` weights every tile equally: the classic autoencoder
uses 100x100 patches at a stride of 25, so each pixel is the mean of up to sixteen outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from crispen.engines.base import Pixels
from crispen.enhance.rows import Rows
from crispen.enhance.tiling import round_up
from crispen.models.card import ModelCard

Run = Callable[[Pixels], Pixels]


@dataclass(frozen=True, slots=True)
class Overlap:
    """How tiles overlap.

    Attributes:
        tile_px: Side of a tile, input pixels.
        stride_px: Steps between tiles, at most `tile_px`.
        weight: ``cosine`` or ``average``.
    """

    tile_px: int = 512
    stride_px: int = 448
    weight: Literal["cosine", "average"] = "cosine"

    def starts(self, length: int) -> list[int]:
        """First pixels of the tiles along an axis; the last is shifted inward to fit."""
        last = max(0, length - self.tile_px)
        return [*range(0, last, self.stride_px), last]

    def profile(self, length: int) -> NDArray[np.float64]:
        """``(length,)`` weights across a tile, above 0 everywhere."""
        if self.weight == "average":
            return np.ones(length)
        ramp = max(1, self.tile_px - self.stride_px)
        from_edge = np.minimum(np.arange(length), np.arange(length)[::-1]) + 0.5
        return np.asarray(np.sin(np.pi / 2 * np.minimum(1.0, from_edge / ramp)) ** 2)


def overlap_of(card: ModelCard, tile_px: int | None, asked: Overlap | None) -> Overlap | None:
    """The overlap of a network's tiles, or None if they are exact without it.

    Args:
        card: The network's card; its ``window_px`` and ``stride_px`` take precedence over the
            other two.
        tile_px: Side of the tiles, or None to choose.
        asked: The requested mode.
    """
    stride = card.stride_px
    if card.window_px is not None:
        # Half a window, so that no pixel depends on a window's border alone.
        if stride is None:
            return Overlap(card.window_px, max(1, card.window_px // 2))
        return Overlap(card.window_px, stride, "average")
    if stride is not None:
        return Overlap(round_up(4 * stride, card.multiple), stride, "average")
    if asked is not None or card.halo is not None:
        return asked
    tile = round_up(tile_px or Overlap().tile_px, card.multiple)
    return Overlap(tile, max(1, tile - max(1, tile // 8)))


def blended_frame(
    bands: Iterator[Pixels],
    width: int,
    height: int,
    scale: int,
    overlap: Overlap,
    run: Run,
    tick: Callable[[int], None],
) -> Iterator[Pixels]:
    """The bands of one frame, enhanced tile by tile and averaged.

    Args:
        bands: Rows of the frame.
        width: Its columns.
        height: Its rows.
        scale: Of the network.
        overlap: Positions and weights of tiles.
        run: The network on one tile.
        tick: Called with the number of finished input pixels.
    """
    rows = Rows(bands)
    tops, lefts = overlap.starts(height), overlap.starts(width)
    tall, wide = min(overlap.tile_px, height), min(overlap.tile_px, width)
    window = np.outer(overlap.profile(tall * scale), overlap.profile(wide * scale))
    window = window[..., None].astype(np.float32)
    sums: NDArray[np.float32] | None = None
    weights = np.zeros((tall * scale, width * scale, 1), np.float32)
    for i, top in enumerate(tops):
        strip = rows.take(top, top + tall)
        for left in lefts:
            result = run(strip[:, left : left + wide])
            if sums is None:
                sums = np.zeros((tall * scale, width * scale, result.shape[2]), np.float32)
            at = slice(left * scale, (left + wide) * scale)
            sums[:, at] += result * window
            weights[:, at] += window
            tick(tall * wide)
        assert sums is not None
        # Rows above the next tile get nothing more.
        done = ((tops[i + 1] - top) if i + 1 < len(tops) else tall) * scale
        yield np.floor(sums[:done] / weights[:done] + 0.5).astype(strip.dtype)
        for held in (sums, weights):
            held[: len(held) - done] = held[done:].copy()
            held[len(held) - done :] = 0
