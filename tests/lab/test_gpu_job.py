"""The parts of tools/gpu_job.py that need no GPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from crispen.lab.networks.plain import Plain
from gpu.learn import factor, learn
from gpu.living import revive
from gpu.photo import Pairs
from gpu.pool import Pool, Tiles
from gpu.produce import SIDES, Maker
from gpu.stages import collapsed, luma
from gpu.vivid import halved

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


def with_dead_units() -> Plain:
    torch.manual_seed(0)
    network = Plain(2, 3, 8, 3, dials=True, unshuffle=2)
    with torch.no_grad():
        network.head.bias[1] = -100
        network.body[0].bias[2:5] = -100
        network.body[2].bias[6] = -100
        network.tail.weight.mul_(10)
    return network


def test_dead_units_come_back_without_changing_anything():
    network = with_dead_units()
    x, told = torch.rand(2, 3, 16, 16), torch.rand(2, 6)
    before = network.residual(x, told).detach()
    share = revive(network, x, told)
    assert 5 / 32 <= share < 0.5
    torch.testing.assert_close(network.residual(x, told), before, rtol=1e-4, atol=1e-5)
    # What came back says something, and nobody listens yet.
    layer = network.body[0]
    assert (layer.kernel()[2:5].abs().amax((1, 2, 3)) > 0.01).all()
    assert network.body[1].kernel()[:, 3].abs().max() < 1e-5
    assert revive(network, x, told) < share


def test_collapsed_weights_compute_the_same():
    network = Plain(2, 3, 8, 3, unshuffle=2)
    x = torch.rand(1, 3, 16, 16)
    before = network.residual(x).detach()
    weights = collapsed(network)
    assert float(weights["body.1.spread"].abs().max()) == 0
    network.load_state_dict(weights)
    torch.testing.assert_close(network.residual(x), before)


def test_clean_pairs_lie_over_each_other(photo, tmp_path):
    side = SIDES[2]
    pool = Pool(tmp_path, 2, 2, CPU)
    tiles = np.stack([photo[: 2 * side, : 2 * side], photo[100 : 100 + 2 * side, : 2 * side]])
    pool.high[:] = torch.from_numpy(tiles).view(2, -1, 3)
    pool.count.fill_(2)
    torch.manual_seed(0)
    x, target, _ = Pairs(pool, 24).draw(16)
    assert x.shape == (16, 1, 24, 24)
    assert target.shape == (16, 1, 48, 48)
    assert (F.avg_pool2d(target, 2) - x).abs().mean() < 0.02
    assert (F.avg_pool2d(target, 2) - x.flip(2)).abs().mean() > 0.05


def test_luma_is_that_of_the_metric(photo):
    from crispen.evaluate.metrics import luma255

    x = torch.from_numpy(photo).permute(2, 0, 1)[None].float() / 255
    np.testing.assert_allclose(255 * luma(x)[0, 0].numpy(), luma255(photo), atol=1e-3)
