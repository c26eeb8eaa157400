"""A network in NumPy whose answers depend on every pixel within its halo, and on nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from crispen.engines.base import Pixels
from crispen.models.card import ModelCard


class BoxEngine:
    """Sums over squares of radius `halo`, zeros outside, modulo the peak: any seam shows."""

    name = "fake"
    device = "cpu"
    precision = "fp32"
    bytes_per_px = 300.0

    def __init__(self, scale: int, halo: int, *, finite: bool = True, sleep_s: float = 0.0) -> None:
        self.card = ModelCard(
            name=f"box-x{scale}",
            scale=scale,
            halo=halo if finite else None,
            parameters=1000,
        )
        self.shapes: list[tuple[int, ...]] = []
        self.sleep_s = sleep_s
        self._halo = halo

    def run(self, pixels: Pixels, *, peak: int | None = None, studio: bool = False) -> Pixels:
        assert pixels.shape[2] in (1, 3)
        self.shapes.append(pixels.shape)
        time.sleep(self.sleep_s)
        h = self._halo
        padded = np.pad(pixels.astype(np.int64), ((h, h), (h, h), (0, 0)))
        sums = np.zeros(pixels.shape, np.int64)
        for y in range(2 * h + 1):
            for x in range(2 * h + 1):
                part = padded[y : y + pixels.shape[0], x : x + pixels.shape[1]]
                sums += part * (1 + 3 * y + 7 * x)
        large = sums.repeat(self.card.scale, 0).repeat(self.card.scale, 1)
        steps = np.add.outer(np.arange(large.shape[0]), 2 * np.arange(large.shape[1]))
        phase = steps % self.card.scale
        return ((large + phase[..., None]) % (np.iinfo(pixels.dtype).max + 1)).astype(pixels.dtype)

    def interrupt(self, thread: int) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def box_engine() -> Callable[..., BoxEngine]:
    return BoxEngine
