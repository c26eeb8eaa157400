"""Sets larger than memory: threads read the next window during training on this one."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from crispen.lab.data.places import Indices, Places
from crispen.lab.data.sources import Bytes, Source


def turned(crop: Bytes, symmetry: int) -> Bytes:
    """A crop in one of eight symmetries, numbered as in `Places`.

    >>> turned(np.array([[[1], [2]], [[3], [4]]], np.uint8), 5)[..., 0].tolist()
    [[3, 1], [4, 2]]
    """
    if symmetry & 1:
        crop = crop[::-1]
    if symmetry & 2:
        crop = crop[:, ::-1]
    return crop.swapaxes(0, 1) if symmetry & 4 else crop


class PictureStream:
    """Crops of pictures that are decoded shortly before their window is used.

    At most two windows are held: the current one and the one being read ahead.

    Args:
        source: Source of the pictures.
        device: Device of the crops.
        workers: Threads that decode.
    """

    def __init__(self, source: Source, device: torch.device, *, workers: int) -> None:
        self._source = source
        self._device = device
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="crispen-data")
        self._held: dict[int, Future[Bytes]] = {}

    def expect(self, now: Indices, later: Indices) -> None:
        """Drops all other pictures and starts reading these."""
        wanted = dict.fromkeys([*now.tolist(), *later.tolist()])
        for index in [i for i in self._held if i not in wanted]:
            self._held.pop(index).cancel()
        for index in wanted:
            if index not in self._held:
                self._held[index] = self._pool.submit(self._source.read, index)

    def crops(self, places: Places, size: int) -> Tensor:
        """``(N, channels, size, size)`` ``uint8``; unexpected pictures are read and dropped."""
        parts: dict[int, Bytes] = {}
        which = places.which.tolist()
        for index in dict.fromkeys(which):
            held = self._held.get(index)
            pixels = held.result() if held is not None else self._source.read(index)
            for n in (places.which == index).nonzero()[:, 0].tolist():
                row, column = int(places.row[n]), int(places.column[n])
                crop = pixels[row : row + size, column : column + size]
                # A copy, so that the crop does not keep its picture alive.
                parts[n] = turned(crop, int(places.symmetry[n])).transpose(2, 0, 1).copy()
        stacked = torch.from_numpy(np.stack([parts[n] for n in range(len(which))]))
        return stacked.to(self._device, non_blocking=True)

    def close(self) -> None:
        """Ends the threads."""
        self._held.clear()
        self._pool.shutdown(cancel_futures=True)
