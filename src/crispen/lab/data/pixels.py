"""A whole set as bytes on the training device, cropped and mirrored there.

All pictures are concatenated in one flat ``uint8`` tensor. A crop in any of the eight symmetries is
one gather: start at a corner and walk with a row step and a column step, each of which may be
negative or swapped with the other. Nothing else is copied, and there is no wait for workers.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from crispen.lab.data.places import Indices, Places
from crispen.lab.data.sources import Failures, Source, for_each
from crispen.progress import Progress


class PixelSet:
    """Pictures as bytes, ready to be cropped in batches.

    Args:
        source: Read once, picture by picture.
        channels: Channels of its pictures.
        device: Where the bytes go.
        workers: Threads that read.
        failures: Records the pictures that cannot be read; their bytes stay black.
        progress: Receives progress events.
    """

    def __init__(
        self,
        source: Source,
        channels: int,
        device: torch.device,
        *,
        workers: int = 2,
        failures: Failures,
        progress: Progress | None = None,
    ) -> None:
        areas = source.sizes.prod(axis=1)
        starts = np.cumsum(areas) - areas
        self._starts = torch.from_numpy(starts).to(device)
        self._widths = torch.from_numpy(source.sizes[:, 1].copy()).to(device)
        self._device = device
        self.planes = torch.zeros(channels, int(areas.sum()), dtype=torch.uint8, device=device)
        """``(channels, pixels)``."""
        flat = source.flat()
        if flat is not None:
            self.planes.copy_(torch.from_numpy(flat).T)
            return

        def load(index: int) -> None:
            pixels = torch.tensor(source.read(index)).reshape(-1, channels).T
            begin = int(starts[index])
            self.planes[:, begin : begin + pixels.shape[1]] = pixels.to(device)

        for_each(
            load,
            failures.others(len(areas)),
            failures,
            workers=workers,
            what="reading pictures",
            progress=progress,
        )

    def expect(self, now: Indices, later: Indices) -> None:
        """Nothing to do: everything is in memory."""

    def crops(self, places: Places, size: int) -> Tensor:
        """``(N, channels, size, size)`` ``uint8``.

        Args:
            places: Where to cut.
            size: Side of a crop in pixels.
        """
        places = places.to(self._device)
        which, symmetry = places.which, places.symmetry
        upside_down, mirrored, swapped = symmetry & 1, symmetry >> 1 & 1, symmetry >> 2
        width = self._widths[which]
        row_step = torch.where(upside_down == 1, -width, width)
        column_step = 1 - 2 * mirrored
        row = places.row + upside_down * (size - 1)
        column = places.column + mirrored * (size - 1)
        base = self._starts[which] + row * width + column
        step_i = torch.where(swapped == 1, column_step, row_step)
        step_j = torch.where(swapped == 1, row_step, column_step)
        walk = torch.arange(size, device=self._device)
        index = (
            base[:, None, None]
            + step_i[:, None, None] * walk[None, :, None]
            + step_j[:, None, None] * walk[None, None, :]
        )
        return self.planes[:, index].transpose(0, 1)

    def close(self) -> None:
        """Nothing to close."""
