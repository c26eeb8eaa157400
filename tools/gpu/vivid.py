"""The perceptual networks: trained by a teacher, then against a discriminator."""

from __future__ import annotations

import time

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crispen.lab.checkpoint import rescaled_tail
from crispen.lab.losses.lpips import Lpips
from crispen.lab.networks import Output
from crispen.lab.networks.clipped import fit_ranges
from crispen.lab.networks.unet_discriminator import UNetDiscriminator
from crispen.lab.networks.vivid import Vivid
from crispen.lab.recipe import load_recipe
from crispen.lab.teacher import Teacher
from gpu.learn import Compare, fight, learn, supervised
from gpu.pool import Tiles
from gpu.stages import Job

PERCEPTUAL = 0.2
ADVERSARIAL = 0.4
_RIM = 6


def vivid(job: Job) -> None:
    """Trains `vivid-soft-x4` on its teacher's outputs, `vivid-x4` and `vivid-x2` adversarially."""
    compare = with_perception(job)
    pool = job.pool(4, 12_000)
    told = load_recipe("vivid-soft-x4", [f'teacher.model="{job.carried / "teacher.onnx"}"'])
    assert told.teacher is not None
    teacher = Teacher(told.teacher, 4, job.device)
    truth = Tiles(4, pool.side, pool.low, pool.high, pool.dials)
    truth.count.fill_(pool.filled)
    taught = Tiles(4, pool.side, pool.low, torch.empty_like(pool.high), pool.dials)
    share = job.seconds - (time.monotonic() - job.began)
    answered = label(job, teacher, taught, pool.filled, 0.1 * share)
    taught.count.fill_(answered)
    job.say(f"{answered} answers of the teacher")
    left = job.seconds - (time.monotonic() - job.began)

    network = job.network(told)
    ships = torch.load(job.carried / "vivid-x4.pt")
    detail = {k.removeprefix("detail."): v for k, v in ships.items() if k.startswith("detail.")}
    network.load_state_dict(detail, strict=False)
    patch, batch = 44 if job.smoke else 48, 40
    began = time.monotonic()
    draw = lambda: taught.draw(job.batch(batch), patch, _RIM // 2)  # noqa: E731
    soft, steps = learn(
        network,
        supervised(network, draw, compare),
        0.22 * left,
        rate=6e-4,
        decay=0.5,
        name="vivid-soft-x4",
    )
    job.keep(soft, told, steps, time.monotonic() - began)
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
    """Trains a vivid network against a discriminator, for a share of the remaining time.

    Returns:
        The trained weights.
    """
    began = time.monotonic()
    recipe = load_recipe(f"vivid-x{scale}", ["train.start="])
    network = job.network(recipe)
    assert isinstance(network, Vivid)
    network.load_state_dict(torch.load(job.carried / f"{recipe.name}.pt"))
    network.detail.load_state_dict(rescaled_tail(weights, 4, scale), strict=False)
    patch, batch = (44, 4) if job.smoke else (48, 40)
    draw = lambda: tiles.draw(job.batch(batch), patch, _RIM // 2)  # noqa: E731
    fit_ranges(network.detail, draw()[0])
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
    """L1, and VGG-16 features of half the pictures."""
    seen = Lpips(job.carried / "vgg16-lpips.safetensors", layers=4).to(job.device)

    def compare(image: Tensor, target: Tensor) -> Tensor:
        half = (len(image) + 1) // 2
        perceived: Tensor = seen(Output(image[:half]), target[:half])
        return F.l1_loss(image, target) + PERCEPTUAL * perceived

    return compare


@torch.no_grad()
def label(job: Job, teacher: Teacher, tiles: Tiles, count: int, seconds: float) -> int:
    """The teacher's outputs, as many as time allowed."""
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
    """``(N, side², 3)`` → ``(N, side²/4, 3)``, means over 2×2 pixels."""
    parts = []
    for part in tiles.split(256):
        mean = part.view(-1, side // 2, 2, side // 2, 2, 3).float().mean((2, 4))
        parts.append(mean.round().to(torch.uint8).reshape(len(part), -1, 3))
    return torch.cat(parts)
