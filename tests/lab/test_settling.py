"""Halo, multiple and window of networks that say nothing of it, against counts by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from crispen.lab.networks import Network
from crispen.lab.settling import measured_tiles, settle

from ..published_files import SMALL, build


@pytest.mark.parametrize("name", SMALL)
def test_what_is_measured_is_what_the_layers_say(name: str) -> None:
    network = build(name)
    settle(network)
    small = SMALL[name]
    found = (network.halo, network.multiple, network.window_px)
    assert found == (small.halo, small.multiple, small.window_px)


class Grid(Network):
    """A mean over each square of `period` pixels: exact tiles begin where squares do."""

    def __init__(self, period: int) -> None:
        super().__init__(1, 1)
        self.period = period
        self.mix = nn.Conv2d(1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        mean = nn.functional.avg_pool2d(x, self.period, ceil_mode=True)
        wide = mean.repeat_interleave(self.period, 2).repeat_interleave(self.period, 3)
        return self.finish(self.mix(x) + wide[..., : x.shape[2], : x.shape[3]])


@pytest.mark.parametrize(("period", "expected"), [(1, (0, 1)), (4, (3, 4)), (8, (7, 8))])
def test_a_period_is_found(period: int, expected: tuple[int, int]) -> None:
    torch.manual_seed(0)
    assert measured_tiles(Grid(period)) == expected


def test_a_period_that_is_tried_in_vain_blends() -> None:
    torch.manual_seed(0)
    assert measured_tiles(Grid(7)) == (None, 1)


class Deep(Network):
    """So many 3×3 convolutions that tiles would be mostly halo."""

    def __init__(self, depth: int) -> None:
        super().__init__(1, 1)
        self.layers = nn.Sequential(*(nn.Conv2d(1, 1, 3, padding=1) for _ in range(depth)))

    def forward(self, x: Tensor) -> Tensor:
        return self.finish(self.layers(x))


@pytest.mark.parametrize(("depth", "expected"), [(20, (20, 1)), (60, (None, 1))])
def test_what_looks_far_is_blended(depth: int, expected: tuple[int | None, int]) -> None:
    torch.manual_seed(0)
    assert measured_tiles(Deep(depth)) == expected
