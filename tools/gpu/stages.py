"""What is trained, in which order, and for which part of the time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crispen.lab.checkpoint import load_checkpoint, no_lineage, rescaled_tail, save_checkpoint
from crispen.lab.look import loss as look_loss
from crispen.lab.losses.lpips import Lpips
from crispen.lab.networks import Network, Output, build_network
from crispen.lab.networks.clipped import ClippedRelu, fit_ranges, has_new_ranges
from crispen.lab.networks.look import SIDE, LookNetwork
from crispen.lab.networks.unet_discriminator import UNetDiscriminator
from crispen.lab.networks.vivid import Vivid
from crispen.lab.processes import hardware
from crispen.lab.recipe import Recipe, load_recipe
from crispen.lab.start import begin
from crispen.lab.teacher import Teacher
from gpu.learn import Compare, fight, learn, supervised
from gpu.pool import Pool, Tiles

PERCEPTUAL = 0.2
ADVERSARIAL = 0.4
_RIM = 6


class Job:
    """Where things lie, and how long there is.

    Args:
        carried: What `gpu.pack` packed.
        tiles: What `gpu.produce` makes.
        out: Gets the checkpoints.
        seconds: For all stages together.
        smoke: Tiny batches, to see whether it works at all.
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
        """A batch of this size, unless it is only to be seen whether it works."""
        return 4 if self.smoke else count

    def say(self, text: str) -> None:
        """With the time."""
        print(f"[{time.monotonic() - self.began:5.0f} s] {text}", flush=True)

    def network(self, recipe: Recipe) -> Network:
        """Untrained, on the device."""
        torch.manual_seed(0)
        network = build_network(recipe.network, scale=recipe.scale, channels=3)
        placed: Network = network.to(self.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        return placed

    def keep(self, network: nn.Module, recipe: Recipe, steps: int, seconds: float) -> None:
        """A checkpoint that ``crispen export`` takes, and ``train.start``."""
        content: dict[str, Any] = {
            "network": {},
            "average": {k: v.cpu() for k, v in network.state_dict().items()},
            "optimizer": {},
            "opponent": None,
            "step": steps,
            "wall_time_s": seconds,
            "best": {},
            "lineage": no_lineage(),
            "data": self.data,
            "hardware": hardware(self.device, 1),
        }
        save_checkpoint(self.out / f"{recipe.name}.ckpt", content, recipe)


def l1(image: Tensor, target: Tensor) -> Tensor:
    """The mean absolute difference."""
    return F.l1_loss(image, target)


def relu_recipe(name: str, *sets: str) -> Recipe:
    """Its network without ceilings, which it learns to live with last."""
    return load_recipe(name, ['network.activation="relu"', *sets])


def with_ceilings(job: Job, recipe: Recipe, weights: dict[str, Tensor], x: Tensor) -> Network:
    """The network of a recipe in 8 bits, from weights without ceilings."""
    network = job.network(recipe)
    network.load_state_dict(weights, strict=False)
    fit_ranges(network, x)
    return network


def compile_ceilings() -> None:
    """One kernel each way in place of ten."""
    fused = torch.compile(_ceiling, dynamic=False)
    plain = ClippedRelu.forward
    try:
        x = torch.rand(2, 8, 16, 16, device="cuda", dtype=torch.bfloat16, requires_grad=True)
        fused(x, torch.ones((), device="cuda", requires_grad=True)).sum().backward()
    except Exception as error:
        print(f"not compiled: {type(error).__name__}: {error}", flush=True)
        return

    def forward(self: ClippedRelu, x: Tensor) -> Tensor:
        if not self.training or not x.is_cuda or not x.requires_grad:
            return plain(self, x)
        made: Tensor = fused(x, self.range)
        return made

    ClippedRelu.forward = forward  # type: ignore[method-assign]


def _ceiling(x: Tensor, ceiling: Tensor) -> Tensor:
    step = ceiling / 255
    steps = (x.float() / step).clamp(0.0, 255.0)
    steps = steps + (steps.round() - steps).detach()
    return (steps * step).to(x.dtype)


def faithful(
    job: Job,
    name: str,
    pool: Tiles,
    patch: int,
    batch: int,
    seconds: float,
    start: dict[str, Tensor] | None,
    refresh: Callable[[], object],
) -> dict[str, Tensor]:
    """A network for the truth: without ceilings, then with them.

    Returns:
        Its weights before the ceilings.
    """
    sets = (f"data.patch={patch}", f"data.batch={batch}")
    recipe = load_recipe(name, [*sets])
    network = job.network(relu_recipe(name, *sets))
    if start:
        network.load_state_dict(start, strict=False)
    draw = lambda: pool.draw(job.batch(batch), patch)  # noqa: E731
    began = time.monotonic()
    forward = supervised(network, draw, l1)
    found, first = learn(
        network, forward, 0.62 * seconds, rate=1e-3, decay=0.25, name=name, refresh=refresh
    )
    weights = {k: v.clone() for k, v in found.state_dict().items()}
    job.keep(found, relu_recipe(name, *sets), first, time.monotonic() - began)
    clipped = with_ceilings(job, recipe, weights, draw()[0])
    found, second = learn(
        clipped,
        supervised(clipped, draw, l1),
        seconds - (time.monotonic() - began),
        rate=5e-4,
        decay=0.9,
        name=f"{name}, 8 bits",
        refresh=refresh,
    )
    job.keep(found, recipe, first + second, time.monotonic() - began)
    job.say(f"{name} done")
    return weights


def look(job: Job, pool: Pool, seconds: float) -> None:
    """The network that estimates the damage."""
    torch.manual_seed(0)
    network = LookNetwork().to(job.device)

    def forward() -> Tensor:
        index = pool.places(job.batch(192))
        x = pool.low[index].view(-1, SIDE, SIDE, 3).permute(0, 3, 1, 2).float() / 255
        return look_loss(network(x), pool.dials[index])

    found, steps = learn(network, forward, seconds, rate=1.5e-3, decay=0.7, name="look")
    torch.save(
        {"network": {k: v.cpu() for k, v in found.state_dict().items()}, "step": steps},
        job.out / "look.ckpt",
    )


def real(job: Job) -> None:
    """`real-x2`, `real-x4`, `real-x1`, and the network that looks."""
    saved = load_checkpoint(job.carried / "real-x2.ckpt")["average"]
    pool = job.pool(2, 6000)
    share = job.seconds - (time.monotonic() - job.began)
    at = 4 if job.smoke else 0

    def refresh() -> int:
        return pool.read(0.1)

    weights = faithful(job, "real-x2", pool, 64, 96, 0.5 * share, saved, refresh)
    look(job, pool, 0.07 * share)
    del pool
    pool = job.pool(4, 6000)
    weights = rescaled_tail(weights, 2, 4)
    patch = 48 - at
    faithful(job, "real-x4", pool, patch, 96, 0.21 * share, weights, refresh)
    del pool
    pool = job.pool(1, 6000)
    left = job.seconds - (time.monotonic() - job.began)
    faithful(job, "real-x1", pool, 80, 128, left, None, refresh)


def vivid(job: Job) -> None:
    """`vivid-soft-x4` from its teacher's answers; `vivid-x4` and `vivid-x2` against a critic."""
    compare = with_perception(job)
    pool = job.pool(4, 12_000)
    told = load_recipe("vivid-soft-x4", [f'teacher.model="{job.carried / "teacher.onnx"}"'])
    assert told.teacher is not None
    teacher = Teacher(told.teacher, 4, job.device)
    truth = Tiles(4, pool.side, pool.low, pool.high, pool.dials)
    truth.count.fill_(pool.filled)
    taught = Tiles(4, pool.side, pool.low, torch.empty_like(pool.high), pool.dials)
    share = job.seconds - (time.monotonic() - job.began)
    answered = label(job, teacher, taught, pool.filled, 0.13 * share)
    taught.count.fill_(answered)
    job.say(f"{answered} answers of the teacher")
    left = job.seconds - (time.monotonic() - job.began)

    network = job.network(told)
    patch, batch = 48, 40
    began = time.monotonic()
    _, steps = learn(
        network,
        supervised(network, lambda: truth.draw(job.batch(96), patch), l1),
        0.12 * left,
        rate=1e-3,
        decay=0.0,
        name="vivid-soft-x4 on the truth",
    )
    draw = lambda: taught.draw(job.batch(batch), patch, _RIM // 2)  # noqa: E731
    soft, more = learn(
        network,
        supervised(network, draw, compare),
        0.4 * left,
        rate=8e-4,
        decay=0.3,
        name="vivid-soft-x4 on answers",
    )
    job.keep(soft, told, steps + more, time.monotonic() - began)
    torch.manual_seed(1)
    opponent = UNetDiscriminator(3, 32).to(job.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    weights = soft.state_dict()
    for scale, tiles, part in ((4, truth, 0.6), (2, None, 1.0)):
        if tiles is None:
            tiles = Tiles(2, pool.side, pool.low, halved(truth.high, 4 * pool.side), pool.dials)
            tiles.count.fill_(pool.filled)
        weights = fought(job, scale, tiles, weights, opponent, compare, part)


def fought(
    job: Job,
    scale: int,
    tiles: Tiles,
    weights: dict[str, Tensor],
    opponent: nn.Module,
    compare: Compare,
    part: float,
) -> dict[str, Tensor]:
    """A vivid network against a critic, for a part of the time that is left.

    Returns:
        The weights of what learned.
    """
    began = time.monotonic()
    recipe = load_recipe(f"vivid-x{scale}", ["train.start="])
    network = job.network(recipe)
    assert isinstance(network, Vivid)
    begin(network, recipe)
    network.detail.load_state_dict(rescaled_tail(weights, 4, scale), strict=False)
    patch, batch = 48, 40
    draw = lambda: tiles.draw(job.batch(batch), patch, _RIM // 2)  # noqa: E731
    if has_new_ranges(network):
        fit_ranges(network, draw()[0])
    left = (job.seconds - (began - job.began)) * part
    found, steps = fight(
        network,
        opponent,
        draw,
        compare,
        left,
        rate=1.5e-4,
        weight=ADVERSARIAL,
        name=recipe.name,
    )
    job.keep(found, recipe, steps, time.monotonic() - began)
    assert isinstance(found, Vivid)
    return found.detail.state_dict()


def with_perception(job: Job) -> Compare:
    """L1 and what VGG-16 sees, of half of the pictures."""
    seen = Lpips(job.carried / "vgg16-lpips.safetensors", layers=4).to(job.device)

    def compare(image: Tensor, target: Tensor) -> Tensor:
        half = (len(image) + 1) // 2
        perceived: Tensor = seen(Output(image[:half]), target[:half])
        return F.l1_loss(image, target) + PERCEPTUAL * perceived

    return compare


@torch.no_grad()
def label(job: Job, teacher: Teacher, tiles: Tiles, count: int, seconds: float) -> int:
    """The teacher's answers; how many there was time for."""
    side, batch = tiles.side, 2 if job.smoke else 64
    end = time.monotonic() + seconds
    for first in range(0, count, batch):
        if time.monotonic() > end or (job.smoke and first >= 4):
            return first
        rows = slice(first, min(first + batch, count))
        x = tiles.low[rows].view(-1, side, side, 3).permute(0, 3, 1, 2).float() / 255
        truth = x.new_zeros(len(x), 3, 4 * side, 4 * side)
        answer = (teacher(x, truth) * 255).round().to(torch.uint8)
        tiles.high[rows] = answer.permute(0, 2, 3, 1).reshape(len(x), -1, 3)
        if job.device.type == "cuda" and first % (8 * batch) == 0:
            torch.cuda.synchronize()
    return count


@torch.no_grad()
def halved(tiles: Tensor, side: int) -> Tensor:
    """``(N, side², 3)`` → ``(N, side²/4, 3)``, means of two by two."""
    parts = []
    for part in tiles.split(256):
        mean = part.view(-1, side // 2, 2, side // 2, 2, 3).float().mean((2, 4))
        parts.append(mean.round().to(torch.uint8).reshape(len(part), -1, 3))
    return torch.cat(parts)
