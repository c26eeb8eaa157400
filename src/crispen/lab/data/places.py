"""Where crops are cut: a pure function of seed, rank and step.

All places of all pictures are numbered. Without a stride, a step draws numbers at random, so every
place is equally likely and large pictures give more crops. With a stride, every epoch visits each
place of the grid once, in its own order.

A set larger than a window (a number of pixels) is processed window by window: each pass
redistributes the pictures over windows, and a step draws only from its window. This lets a stream
read ahead. A set in memory is processed in the same way, so that memory does not change results.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Places:
    """Crops to cut.

    Attributes:
        which: ``(N,)`` pictures.
        row: ``(N,)`` topmost row.
        column: ``(N,)`` leftmost column.
        symmetry: ``(N,)`` 0…7: bit 0 flips it vertically, bit 1 mirrors it, bit 2 swaps rows and
            columns afterwards.
    """

    which: Tensor
    row: Tensor
    column: Tensor
    symmetry: Tensor

    def __len__(self) -> int:
        return len(self.which)

    def to(self, device: torch.device) -> Places:
        """The same on a device."""
        fields = (self.which, self.row, self.column, self.symmetry)
        return Places(*(x.to(device, non_blocking=True) for x in fields))

    def times(self, scale: int) -> Places:
        """The same places in pictures whose sides are `scale` times as long."""
        return Places(self.which, self.row * scale, self.column * scale, self.symmetry)


def seeded(*parts: object) -> torch.Generator:
    """A generator whose numbers depend only on all parts.

    >>> seeded(1, "a").initial_seed() == seeded(1, "a").initial_seed()
    True
    """
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "big") >> 1)


class Grid:
    """The numbered places of crops of one size in some pictures.

    Args:
        sizes: ``(pictures, 2)`` heights and widths of all pictures.
        pictures: Those to use; pictures smaller than a crop are left out.
        size: Side of a crop.
        stride: Distance between neighbouring places.
    """

    def __init__(self, sizes: Indices, pictures: Indices, size: int, stride: int = 1) -> None:
        fits = (sizes[pictures] >= size).all(axis=1)
        self.pictures: Indices = pictures[fits]
        self.stride = stride
        rows, columns = ((sizes[self.pictures] - size) // stride + 1).T
        self.columns: Indices = columns
        self.counts: Indices = rows * columns
        self.ends: Indices = np.cumsum(self.counts)

    def __len__(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0

    def at(self, numbers: Tensor, symmetry: Tensor) -> Places:
        """The places with those numbers in ``[0, len(self))``."""
        n = numbers.numpy()
        index = np.searchsorted(self.ends, n, side="right")
        row, column = np.divmod(n - (self.ends - self.counts)[index], self.columns[index])
        return Places(
            torch.from_numpy(self.pictures[index]),
            torch.from_numpy(row * self.stride),
            torch.from_numpy(column * self.stride),
            symmetry,
        )


class Order:
    """The places of every step.

    Args:
        sizes: ``(pictures, 2)`` heights and widths of all pictures.
        pictures: Those to draw from.
        size: Side of a crop in those pixels.
        stride: 0 for crops anywhere, else the grid's spacing; each place occurs once per pass.
        batch: Crops per step on each rank.
        seed: Seed of everything drawn.
        rank: Index of this process.
        world: Number of processes.
        symmetries: Whether to draw one of eight symmetries.
        window_px: Pixels per window.
    """

    def __init__(
        self,
        sizes: Indices,
        pictures: Sequence[int] | Indices,
        size: int,
        *,
        stride: int = 0,
        batch: int,
        seed: object,
        rank: int = 0,
        world: int = 1,
        symmetries: bool = True,
        window_px: int = 1 << 62,
    ) -> None:
        self.batch = batch
        self.stride = stride
        self._seed, self._rank, self._world = seed, rank, world
        self._symmetries = symmetries
        self._window_px = window_px
        self._sizes, self._size = sizes, size
        self.all = self._grid(np.asarray(pictures, np.int64))
        """Every place."""
        self._areas: Indices = sizes.prod(axis=1)
        self._pixels = int(self._areas[self.all.pictures].sum())
        crops = len(self.all) if stride else self._pixels // size**2
        self.pass_crops = max(1, crops)
        """Number of crops that cover each grid place, or about each pixel, once."""
        self._pass_steps = max(1, crops // (batch * world))
        self._windows = lru_cache(maxsize=2)(self._deal)
        self._shuffle = lru_cache(maxsize=2)(self._shuffle_window)

    def _grid(self, pictures: Indices) -> Grid:
        return Grid(self._sizes, pictures, self._size, max(1, self.stride))

    def _deal(self, turn: int) -> tuple[list[Grid], Indices]:
        """The windows of a pass, and the end of each: in grid places, else in pixels."""
        pictures = self.all.pictures
        if self._pixels <= self._window_px:
            return [self.all], np.array([len(self.all) if self.stride else self._pixels])
        generator = seeded(self._seed, "windows", turn)
        pictures = pictures[torch.randperm(len(pictures), generator=generator).numpy()]
        if not self.stride and len(pictures) >= self._world:
            # Each rank reads its own pictures; with a grid, batches are dealt out instead.
            pictures = pictures[self._rank :: self._world]
        windows = [self._grid(part) for part in np.split(pictures, self._cuts(pictures))]
        sizes = [len(w) if self.stride else self._areas[w.pictures].sum() for w in windows]
        return windows, np.cumsum(sizes)

    def _cuts(self, pictures: Indices) -> list[int]:
        """Starts of windows: a new one begins when the next picture would not fit."""
        cuts, held = [], 0
        for i, area in enumerate(self._areas[pictures].tolist()):
            if held and held + area > self._window_px:
                cuts.append(i)
                held = 0
            held += area
        return cuts

    def _shuffle_window(self, turn: int, index: int) -> Tensor:
        window = self._windows(turn)[0][index]
        return torch.randperm(len(window), generator=seeded(self._seed, "grid", turn, index))

    def _locate(self, step: int) -> tuple[int, int, int]:
        """The pass, the step within it, and the window in which the step begins."""
        turn, at = divmod(step, self._pass_steps)
        ends = self._windows(turn)[1]
        if self.stride:
            reached = float(self._first(at))
        else:
            reached = (at + 0.5) / self._pass_steps * float(ends[-1])
        return turn, at, int(np.searchsorted(ends, reached, side="right"))

    def _first(self, at: int) -> int:
        """This rank's first crop in step `at` of a pass through the grid."""
        return (at * self._world + self._rank) * self.batch % len(self.all)

    def near(self, step: int) -> tuple[Indices, Indices]:
        """The pictures of the window that a step begins in, and those of the window after it."""
        turn, _, index = self._locate(step)
        windows = self._windows(turn)[0]
        follows = windows[index + 1] if index + 1 < len(windows) else self._windows(turn + 1)[0][0]
        return windows[index].pictures, follows.pictures

    def places(self, step: int) -> Places:
        """The crops of a step."""
        turn, at, index = self._locate(step)
        windows, ends = self._windows(turn)
        generator = seeded(self._seed, self._rank, step)
        symmetry = torch.randint(0, 8, (self.batch,), generator=generator)
        if not self._symmetries:
            symmetry.zero_()
        if not self.stride:
            numbers = torch.randint(0, len(windows[index]), (self.batch,), generator=generator)
            return windows[index].at(numbers, symmetry)
        # A grid with fewer places than a batch starts over within the batch.
        numbers = (self._first(at) + torch.arange(self.batch)) % len(self.all)
        window = torch.searchsorted(torch.from_numpy(ends), numbers, right=True)
        found = torch.empty(3, self.batch, dtype=torch.long)
        for i in set(window.tolist()):
            here = window == i
            begin = int(ends[i]) - len(windows[i])
            part = windows[i].at(self._shuffle(turn, i)[numbers[here] - begin], symmetry[here])
            found[:, here] = torch.stack((part.which, part.row, part.column))
        return Places(found[0], found[1], found[2], symmetry)


def fixed_places(grid: Grid, count: int, size: int, sizes: Indices, seed: int) -> Places:
    """The same `count` places each time, upright: pictures in turn, the middle of each first."""
    order = torch.randperm(len(grid.pictures), generator=seeded(seed, "fixed", "order")).numpy()
    turns, index = np.divmod(np.arange(count), len(order))
    which = grid.pictures[order[index]]
    room = sizes[which] - size
    drawn = torch.rand(count, 2, generator=seeded(seed, "fixed", "corner"), dtype=torch.float64)
    corner = np.where(turns[:, None] == 0, room // 2, (drawn.numpy() * (room + 1)).astype(np.int64))
    row, column = torch.from_numpy(corner.T.copy())
    return Places(torch.from_numpy(which), row, column, torch.zeros(count, dtype=torch.long))
