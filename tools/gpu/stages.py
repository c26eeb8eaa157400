"""What to train, in which order, and for which share of the time."""

from __future__ import annotations

import gzip
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crispen.lab.checkpoint import no_lineage, save_checkpoint
from crispen.lab.networks import Network, build_network
from crispen.lab.networks.clipped import fit_ranges
from crispen.lab.networks.plain import Plain, RichConv
from crispen.lab.processes import hardware
from crispen.lab.recipe import Recipe, load_recipe
from gpu.learn import learn, supervised
from gpu.living import revive
from gpu.pool import Pool, Tiles

# For weights that are already alive.
RATE = 6e-4
# Share of the time without ceilings.
_FIRST = 0.6
# Seconds between two checks for dead units.
_WAKE_S = 8


class Job:
    """Paths and the time limit.

    Args:
        carried: Output of `gpu.pack`.
        tiles: Output of `gpu.produce`.
        out: Folder for the checkpoints.
        seconds: Total for all stages.
        smoke: Tiny batches, as a smoke test.
    """

    def __init__(self, carried: Path, tiles: Path, out: Path, seconds: float, smoke: bool) -> None:
        self.carried, self.tiles, self.out, self.seconds = carried, tiles, out, seconds
        self.smoke = smoke
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.capacities = {1: 128, 2: 128, 4: 128} if smoke else {1: 70_000, 2: 110_000, 4: 40_000}
        self.data = json.loads((carried / "data.json").read_text())
        self.began = time.monotonic()
        out.mkdir(parents=True, exist_ok=True)

    def pool(self, scale: int, enough: int) -> Pool:
        """The tiles of a scale, as soon as there are some."""
        capacity = self.capacities[scale]
        pool = Pool(self.tiles / f"x{scale}", scale, capacity, self.device)
        self.say(f"x{scale}: {pool.wait(32 if self.smoke else enough)} tiles")
        return pool

    def batch(self, count: int) -> int:
        """This batch size, or a tiny one in a smoke test."""
        return 4 if self.smoke else count

    def say(self, text: str) -> None:
        """Prints a line with the time."""
        print(f"[{time.monotonic() - self.began:5.0f} s] {text}", flush=True)

    def network(self, recipe: Recipe) -> Network:
        """An untrained network on the device."""
        torch.manual_seed(0)
        channels = 1 if recipe.data.color == "luma" else 3
        network = build_network(recipe.network, scale=recipe.scale, channels=channels)
        placed: Network = network.to(self.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        return placed

    def keep(self, network: nn.Module, recipe: Recipe, steps: int, seconds: float) -> None:
        """Writes a gzipped checkpoint for ``crispen export`` and ``train.start``."""
        content: dict[str, Any] = {
            "network": {},
            "average": collapsed(network),
            "optimizer": {},
            "opponent": None,
            "step": steps,
            "wall_time_s": seconds,
            "best": {},
            "lineage": no_lineage(),
            "data": self.data,
            "hardware": hardware(self.device, 1),
        }
        path = Path(self.tiles) / f"{recipe.name}.ckpt"
        save_checkpoint(path, content, recipe)
        with path.open("rb") as whole, gzip.open(self.out / f"{path.name}.gz", "wb", 4) as packed:
            shutil.copyfileobj(whole, packed)

    @torch.no_grad()
    def score(self, network: nn.Module, scale: int, name: str) -> None:
        """Luma PSNR on held-out pictures with true dials, beside other models'."""
        held = np.load(self.carried / "held-out.npz")
        bytes_of = lambda key: torch.from_numpy(held[key]).to(self.device)  # noqa: E731
        truth = luma(bytes_of("truth").permute(0, 3, 1, 2).float() / 255)
        scores = []
        network.eval()
        for grade in (1, 2) if scale == 2 else (3, 4):
            x = bytes_of(f"input{grade}").permute(0, 3, 1, 2).float() / 255
            told = bytes_of(f"told{grade}").expand(len(x), -1)
            out = torch.cat([network(a, b) for a, b in zip(x.split(8), told.split(8), strict=True)])
            error = (luma((out * 255).round() / 255) - truth)[..., scale:-scale, scale:-scale]
            psnr = -10 * error.square().mean((1, 2, 3)).log10()
            scores.append(f"{float(psnr.mean()):.3f} (was {held[f'before{grade}']:.3f})")
        self.say(f"{name}: {', '.join(scores)} dB")


def luma(x: Tensor) -> Tensor:
    """``(N, 3, H, W)`` in [0, 1] → ``(N, 1, H, W)``, studio range."""
    red, green, blue = x.split(1, 1)
    return (65.481 * red + 128.553 * green + 24.966 * blue + 16) / 255


def l1(image: Tensor, target: Tensor) -> Tensor:
    """The mean absolute difference of colours and of luma, which the eye sees sharply."""
    return 0.5 * (F.l1_loss(image, target) + F.l1_loss(luma(image), luma(target)))


@torch.no_grad()
def collapsed(network: nn.Module) -> dict[str, Tensor]:
    """The weights, with each rich kernel in its first branch: the others compress to nothing."""
    weights = {k: v.detach().cpu() for k, v in network.state_dict().items()}
    for name, block in network.named_modules():
        if isinstance(block, RichConv):
            kernel = block.kernel().cpu()
            kernel[:, :, 1, 1] -= block.identity.cpu()
            weights[f"{name}.weight"] = kernel
            for branch in ("point", "spread"):
                weights[f"{name}.{branch}"] = torch.zeros_like(weights[f"{name}.{branch}"])
    return weights


def relu_recipe(name: str, *sets: str) -> Recipe:
    """The recipe's network without ceilings, which it adapts to last."""
    return load_recipe(name, ['network.activation="relu"', *sets])


def with_ceilings(job: Job, recipe: Recipe, weights: dict[str, Tensor], x: Tensor) -> Network:
    """The int8 network of a recipe, from weights without ceilings."""
    network = job.network(recipe)
    network.load_state_dict(weights, strict=False)
    fit_ranges(network, x)
    return network


def faithful(
    job: Job,
    name: str,
    pool: Tiles,
    patch: int,
    batch: int,
    seconds: float,
    start: dict[str, Tensor],
    refresh: Callable[[], object],
) -> None:
    """Trains a faithful network from living weights: without ceilings, then with them."""
    sets = (f"data.patch={patch}", f"data.batch={batch}")
    recipe = load_recipe(name, [*sets])
    network = job.network(relu_recipe(name, *sets))
    network.load_state_dict(start, strict=False)
    draw = lambda: pool.draw(job.batch(batch), patch)  # noqa: E731
    began = time.monotonic()
    forward = supervised(network, draw, l1)
    assert isinstance(network, Plain)
    woken = began

    def refresh_and_wake() -> None:
        nonlocal woken
        refresh()
        now = time.monotonic()
        if now - woken > _WAKE_S and now - began < 0.6 * _FIRST * seconds:
            woken = now
            x, _, told = pool.draw(job.batch(192), patch)
            print(f"{name}: {revive(network, x, told):.3f} dead", flush=True)

    print(f"{name}: {revive(network, *draw()[::2]):.3f} dead", flush=True)
    found, first = learn(
        network,
        forward,
        _FIRST * seconds,
        rate=RATE,
        decay=0.25,
        name=name,
        refresh=refresh_and_wake,
    )
    weights = {k: v.clone() for k, v in found.state_dict().items()}
    job.score(found, recipe.scale, name)
    clipped = with_ceilings(job, recipe, weights, draw()[0])
    found, second = learn(
        clipped,
        supervised(clipped, draw, l1),
        seconds - (time.monotonic() - began),
        rate=0.5 * RATE,
        decay=0.9,
        name=f"{name}, 8 bits",
        refresh=refresh,
    )
    job.keep(found, recipe, first + second, time.monotonic() - began)
    job.score(found, recipe.scale, f"{name}, 8 bits")


def real(job: Job) -> None:
    """Trains `real-x2`, then `real-x4` from it."""
    pool = job.pool(2, 2500)
    share = job.seconds - (time.monotonic() - job.began)
    start = torch.load(job.carried / "real-x2.pt")

    def refresh() -> int:
        return pool.read(0.1)

    faithful(job, "real-x2", pool, 64, 96, 0.66 * share, start, refresh)
    del pool
    pool = job.pool(4, 6000)
    left = job.seconds - (time.monotonic() - job.began)
    start = torch.load(job.carried / "real-x4.pt")
    faithful(job, "real-x4", pool, 44 if job.smoke else 48, 96, left, start, refresh)
