"""Tiles on the GPU; their number grows during training."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gpu.produce import SIDES

_GREY = 0.04
# How often a network gets no dials at all, lacks one, or gets one inexactly.
_BLIND, _UNKNOWN, _INEXACT, _JITTER = 0.08, 0.15, 0.5, 0.06


class Tiles:
    """Pairs of tiles on one device, and crops drawn from them.

    Attributes:
        scale: How many times larger the side of `high` is.
        side: Side of `low`.
        low: ``(N, side², 3)`` whole levels.
        high: ``(N, (scale·side)², 3)``.
        dials: ``(N, 3)``, the truth.
        count: Number of tiles to draw from; on the device, so that a captured step sees it grow.
    """

    def __init__(self, scale: int, side: int, low: Tensor, high: Tensor, dials: Tensor) -> None:
        self.scale, self.side, self.low, self.high, self.dials = scale, side, low, high, dials
        self.count = torch.zeros((), device=low.device)

    def draw(self, batch: int, patch: int, rim: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """Random crops, rotated and mirrored.

        Args:
            batch: Number of crops.
            patch: Side of the inputs.
            rim: Input pixels to skip at the border of each tile.

        Returns:
            Inputs ``(batch, 3, patch, patch)``, targets, and dials ``(batch, 6)``.
        """
        device, scale, side = self.low.device, self.scale, self.side
        index = self.places(batch)
        room = side - patch - 2 * rim + 1
        top, left = (rim + (torch.rand(2, batch, device=device) * room).long()).unbind()
        flips = torch.rand(3, batch, 1, 1, device=device) < 0.5
        low = _cut(self.low, index, top, left, flips, patch, side)
        high = _cut(self.high, index, scale * top, scale * left, flips, scale * patch, scale * side)
        grey = torch.rand(batch, 1, 1, 1, device=device) < _GREY
        low = torch.where(grey, (_luma(low) * 255).round() / 255, low)
        high = torch.where(grey, _luma(high), high)
        return low, high, _told(self.dials[index])

    def places(self, batch: int) -> Tensor:
        """Which tiles."""
        index = (torch.rand(batch, device=self.low.device) * self.count).long()
        return torch.minimum(index, self.count.long() - 1)


class Pool(Tiles):
    """A growing set of tiles.

    Args:
        folder: Folder in which `gpu.produce` writes them.
        scale: 1, 2 or 4.
        capacity: Maximum number of tiles.
        device: Device of the tiles.
    """

    def __init__(self, folder: Path, scale: int, capacity: int, device: torch.device) -> None:
        side = SIDES[scale]
        low = torch.empty(capacity, side * side, 3, dtype=torch.uint8, device=device)
        high = torch.empty(capacity, (scale * side) ** 2, 3, dtype=torch.uint8, device=device)
        super().__init__(scale, side, low, high, torch.zeros(capacity, 3, device=device))
        self.folder, self.capacity, self.filled = folder, capacity, 0
        self._read: set[str] = set()

    def read(self, seconds: float = math.inf) -> int:
        """Loads new tiles within the time limit; returns the number of tiles."""
        end = time.monotonic() + seconds
        names = {f.name for f in self.folder.glob("*.npz") if ".part" not in f.name}
        for name in sorted(names - self._read):
            if self.filled >= self.capacity or time.monotonic() > end:
                break
            file = self.folder / name
            with np.load(file) as tiles:
                arrays = [torch.from_numpy(tiles[key]) for key in ("lr", "hr", "dials")]
            self._read.add(file.name)
            n = min(len(arrays[0]), self.capacity - self.filled)
            for mine, theirs in zip((self.low, self.high, self.dials), arrays, strict=True):
                part = theirs[:n].reshape(n, *mine.shape[1:])
                mine[self.filled : self.filled + n] = part.to(mine.device)
            self.filled += n
            self.count.fill_(self.filled)
        return self.filled

    def wait(self, enough: int, seconds: float = 120.0) -> int:
        """Reads until there are `enough` tiles or time is up."""
        end = time.monotonic() + seconds
        while self.read() < enough and time.monotonic() < end:
            time.sleep(0.5)
        return self.filled


def _told(dials: Tensor) -> Tensor:
    """The value of each dial, and whether it is known."""
    draws = torch.rand(2, len(dials), 3, device=dials.device)
    error = _JITTER * torch.randn_like(dials) * (draws[0] < _INEXACT)
    # A picture without a given kind of damage shows that itself.
    value = torch.where(dials > 0, (dials + error).clamp(0, 1), dials)
    blind = torch.rand(len(dials), 1, device=dials.device) < _BLIND
    known = ((draws[1] >= _UNKNOWN) & ~blind).float()
    return torch.stack([value * known, known], dim=2).flatten(1)


def _cut(
    tiles: Tensor, index: Tensor, top: Tensor, left: Tensor, flips: Tensor, patch: int, side: int
) -> Tensor:
    """``(N, side², 3)`` bytes → ``(batch, 3, patch, patch)`` in [0, 1], channels last."""
    steps = torch.arange(patch, device=tiles.device)
    rows, columns = steps.view(1, -1, 1), steps.view(1, 1, -1)
    turned, upside, mirrored = flips
    rows, columns = torch.where(turned, columns, rows), torch.where(turned, rows, columns)
    rows = torch.where(upside, patch - 1 - rows, rows) + top.view(-1, 1, 1)
    columns = torch.where(mirrored, patch - 1 - columns, columns) + left.view(-1, 1, 1)
    places = (index.view(-1, 1, 1) * side * side + rows * side + columns).flatten()
    cut = tiles.view(-1, 3)[places].view(len(index), patch, patch, 3)
    return cut.permute(0, 3, 1, 2).float() / 255


def _luma(x: Tensor) -> Tensor:
    red, green, blue = x.unbind(1)
    return (0.299 * red + 0.587 * green + 0.114 * blue)[:, None].expand_as(x)
