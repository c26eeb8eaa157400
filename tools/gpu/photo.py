"""The networks for clean pictures: luma, bicubic shrinking on the GPU."""

from __future__ import annotations

import time

import torch
from torch import Tensor

from crispen.lab.degradations.bicubic import BicubicDown
from crispen.lab.losses.frequency import Frequency
from crispen.lab.networks import Output
from crispen.lab.recipe import load_recipe
from gpu.learn import learn, supervised
from gpu.pool import Pool
from gpu.stages import Job, luma

_SHARES = {"photo-x2": 0.75, "photo-fast-x2": 1.0}


class Pairs:
    """Crops of luma, shrunk as by MATLAB's bicubic; see `gpu.pool.Tiles.draw`."""

    def __init__(self, pool: Pool, patch: int) -> None:
        self.pool, self.patch = pool, patch
        side = 2 * pool.side
        self.down = BicubicDown(2, pool.side - 2 * BicubicDown.rim, pool.high.device)
        assert self.down.crop == side
        self.side = side

    def draw(self, batch: int) -> tuple[Tensor, Tensor, Tensor]:
        """Inputs and targets, without dials."""
        pool, patch = self.pool, self.patch
        rows = pool.high[pool.places(batch)]
        x = rows.view(batch, self.side, self.side, 3).permute(0, 3, 1, 2).float() / 255
        levels = (luma(x) * 255).round()
        black_and_white = torch.rand(batch, 1, 1, 1, device=x.device) < 0.01
        bright = levels > levels.mean((2, 3), keepdim=True)
        levels = torch.where(black_and_white, 16 + 219 * bright.float(), levels)
        low, high = self.down(levels)
        room = low.shape[-1] - patch + 1
        top, left = (torch.rand(2, batch, device=x.device) * room).long().unbind()
        low, high = cut(low, top, left, patch), cut(high, 2 * top, 2 * left, 2 * patch)
        flips = torch.rand(3, batch, 1, 1, 1, device=x.device) < 0.5
        for flip, turn in zip(flips, (_turned, _upside, _mirrored), strict=True):
            low, high = (torch.where(flip, turn(y), y) for y in (low, high))
        return low / 255, high / 255, low.new_zeros(())


def _turned(x: Tensor) -> Tensor:
    return x.transpose(2, 3)


def _upside(x: Tensor) -> Tensor:
    return x.flip(2)


def _mirrored(x: Tensor) -> Tensor:
    return x.flip(3)


def cut(x: Tensor, top: Tensor, left: Tensor, side: int) -> Tensor:
    """``(N, 1, H, W)`` → ``(N, 1, side, side)``, each at its own position."""
    steps = torch.arange(side, device=x.device)
    rows = (top.view(-1, 1) + steps).view(-1, 1, side, 1).expand(-1, 1, side, x.shape[3])
    columns = (left.view(-1, 1) + steps).view(-1, 1, 1, side).expand(-1, 1, side, side)
    return x.gather(2, rows).gather(3, columns)


def photo(job: Job) -> None:
    """Trains `photo-x2` and `photo-fast-x2` from the packed data."""
    pool = job.pool(2, 6000)
    loss = Frequency()
    pairs = Pairs(pool, 32 if job.smoke else 48)
    for name, share in _SHARES.items():
        began = time.monotonic()
        left = share * (job.seconds - (began - job.began))
        recipe = load_recipe(name, ["train.start="])
        network = job.network(recipe)
        network.load_state_dict(torch.load(job.carried / f"{name}.pt"))
        found, steps = learn(
            network,
            supervised(
                network,
                lambda: pairs.draw(job.batch(64)),
                lambda image, target: loss(Output(image), target),
            ),
            left,
            rate=3e-4,
            decay=0.95,
            name=name,
        )
        job.keep(found, recipe, steps, time.monotonic() - began)
        job.say(f"{name} done")
