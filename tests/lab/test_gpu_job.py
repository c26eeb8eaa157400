"""The parts of tools/gpu_job.py that need no GPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gpu.learn import factor, learn
from gpu.pool import Pool, Tiles
from gpu.produce import SIDES, Maker
from gpu.stages import halved

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    from skimage import data

    return data.astronaut()


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_tiles_are_made_and_read(photo, scale, tmp_path):
    maker = Maker([photo], scale, video=False, seed=1)
    tiles = maker.tiles(4)
    side = SIDES[scale]
    assert tiles["lr"].shape == (4, side, side, 3)
    assert tiles["hr"].shape == (4, scale * side, scale * side, 3)
    assert ((tiles["dials"] >= 0) & (tiles["dials"] <= 1)).all()
    np.savez(tmp_path / "a.npz", **tiles)
    np.savez(tmp_path / "b.part.npz", **tiles)  # still being written
    pool = Pool(tmp_path, scale, 6, CPU)
    assert pool.read() == 4
    np.savez(tmp_path / "c.npz", **tiles)
    assert pool.read() == 6
    assert torch.equal(pool.low[4].view(side, side, 3), torch.from_numpy(tiles["lr"][0]))


def test_input_and_target_stay_together():
    """Turned, mirrored and cut alike: here the target is the input, doubled."""
    torch.manual_seed(0)
    low = torch.randint(0, 256, (3, 16, 16, 3), dtype=torch.uint8)
    high = low.repeat_interleave(2, 1).repeat_interleave(2, 2)
    tiles = Tiles(2, 16, low.view(3, -1, 3), high.reshape(3, -1, 3), torch.rand(3, 3))
    tiles.count.fill_(3)
    x, target, told = tiles.draw(64, 8, rim=2)
    colour = (x[:, :1] != x[:, 1:]).any(dim=(1, 2, 3))  # a few are made grey, and rounded
    assert colour.sum() > 40
    expected = F.interpolate(x, scale_factor=2, mode="nearest")
    assert torch.equal(target[colour], expected[colour])
    assert told.shape == (64, 6)
    assert set(told[:, 1::2].unique().tolist()) <= {0.0, 1.0}
    assert (told[:, ::2][told[:, 1::2] == 0] == 0).all()


def test_the_rate_rises_stays_and_falls():
    assert factor(0.0, 0.5) < 0.1
    assert factor(0.3, 0.5) == 1
    assert factor(0.75, 0.5) == pytest.approx(0.5)
    assert factor(1.0, 0.5) == pytest.approx(0)


def test_halved_tiles_are_means():
    tiles = torch.randint(0, 256, (2, 8, 8, 3), dtype=torch.uint8)
    small = halved(tiles.view(2, -1, 3), 8).view(2, 4, 4, 3)
    mean = tiles.float().view(2, 4, 2, 4, 2, 3).mean((2, 4)).round()
    assert torch.equal(small.float(), mean)


def test_it_learns():
    torch.manual_seed(0)
    layer = nn.Linear(4, 1)
    x = torch.randn(64, 4)
    target = x.sum(dim=1, keepdim=True)
    before = float(F.mse_loss(layer(x), target).detach())
    found, steps = learn(
        layer, lambda: F.mse_loss(layer(x), target), 2.0, rate=0.02, decay=0.5, name="toy"
    )
    assert steps > 20
    with torch.no_grad():
        assert float(F.mse_loss(found(x), target)) < 0.1 * before
