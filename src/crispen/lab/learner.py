"""One optimiser step: degrades crops on the device, runs the network and minimises the loss.

The layers run in bf16 unless that is slower or the recipe says otherwise; the sum with a bicubic
base, the loss and the weights stay in fp32. Everything random in a step comes from generators
seeded from (seed, rank, step), so a step is a pure function of the weights and its number.
"""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from crispen.engines.devices import cpu_features, has_slow_bf16
from crispen.errors import UsageError
from crispen.lab.adversarial_training import Opponent
from crispen.lab.compiling import compile_layers
from crispen.lab.data import Batches, NamedTable, PairsTable
from crispen.lab.data.augmentation import augmented
from crispen.lab.data.bilevel import make_bilevel
from crispen.lab.data.mixing import with_pages, with_patterns, with_soft
from crispen.lab.degradations.pipeline import Pair, Pipeline
from crispen.lab.losses import build_loss
from crispen.lab.networks import Network, Output, build_network
from crispen.lab.networks.clipped import fit_ranges, has_new_ranges
from crispen.lab.optimizers import copy_average, make_optimizer
from crispen.lab.processes import seed_layers, stream_seed
from crispen.lab.progression import Part, part_at, part_recipes, passes
from crispen.lab.recipe import Recipe
from crispen.lab.schedule import rate_factor
from crispen.lab.teacher import Teacher

# Keys of the shares of crops that are changed or drawn.
MADE_UP = ("bilevel", "pages", "patterns", "soft")


def make_network(recipe: Recipe) -> Network:
    """The untrained network; equal seeds give equal weights.

    Raises:
        UsageError: The network does not support this scale or crop size.
    """
    torch.manual_seed(recipe.train.seed)
    network = build_network(recipe.network, scale=recipe.scale, channels=recipe.data.channels)
    network.check_side(recipe.data.patch)
    return network


def check_losses(recipe: Recipe, network: Network) -> None:
    """Runs the losses on a blank batch, so that errors are reported before training.

    Raises:
        CrispenError: A loss does not fit the network or the crops, or lacks a file.
    """
    x = torch.zeros(1, recipe.data.channels, recipe.data.patch, recipe.data.patch)
    # On a copy: weights, batch statistics and random state must not change.
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        output = copy.deepcopy(network).train().outputs(torch.cat([x, x]))
        build_loss(recipe.loss)(output, torch.zeros_like(output.image))


def check_recipe(recipe: Recipe) -> tuple[Network, Pipeline | None]:
    """Builds what a recipe names, on the CPU, so that all its errors are reported before any work.

    Returns:
        The untrained network, and the pipeline that makes inputs from targets; see `make_pipeline`.

    Raises:
        CrispenError: Network, optimiser, degradations, losses or crops do not fit each other.
    """
    network = make_network(recipe)
    pipeline = make_pipeline(recipe, torch.device("cpu"))
    make_optimizer(network, recipe.train)
    for number, (_, part) in enumerate(part_recipes(recipe)):
        key = f"data.progressive.{number - 1}.patch" if number else "data.patch"
        _check_crops(part, network, key)
    return network, pipeline


def _check_crops(recipe: Recipe, network: Network, key: str) -> None:
    data = recipe.data
    network.check_side(data.patch, key)
    recipe.augment.check(
        scale=recipe.scale, channels=data.channels, batch=data.batch, dials=network.has_dials
    )
    check_losses(recipe, network)
    if recipe.adversarial:
        judge = recipe.adversarial.discriminator.build(data.channels)
        judge.check_side(recipe.scale * data.patch)


def is_paired(recipe: Recipe) -> bool:
    """Whether the data has its own inputs."""
    data = recipe.data
    return isinstance(data, PairsTable) or (
        isinstance(data, NamedTable) and data.name.endswith("-pairs")
    )


def make_pipeline(recipe: Recipe, device: torch.device) -> Pipeline | None:
    """The pipeline that makes inputs from targets; None if the data has its own inputs.

    Raises:
        UsageError: The degradations do not fit the scale, the colour or the data.
    """
    if is_paired(recipe):
        if recipe.degradation:
            raise UsageError(
                "degradation: the data has its own inputs; leave [[degradation]] out, or take "
                'data.kind = "folder"'
            )
        for key in MADE_UP:
            if getattr(recipe.data, key):
                raise UsageError(f"data.{key}: the data has its own inputs; leave it out")
        return None
    for key, colors in (("pages", ("rgb",)), ("patterns", ("rgb", "luma"))):
        if getattr(recipe.data, key) and recipe.data.color not in colors:
            needed = " or ".join(f'"{color}"' for color in colors)
            raise UsageError(f"data.{key}: needs data.color = {needed}; leave it out")
    if recipe.scale == 1 and not recipe.degradation:
        raise UsageError(
            "degradation: at scale 1 without one, input and target are the same; add a "
            '[[degradation]] table, as in kind = "gaussian-noise"'
        )
    return Pipeline(
        recipe.degradation,
        scale=recipe.scale,
        patch=recipe.data.patch,
        device=device,
        channels=recipe.data.channels,
    )


def make_pair(
    batches: Batches, index: int | None, pipeline: Pipeline | None, recipe: Recipe, seed: int
) -> Pair:
    """A batch of inputs, targets and, if known, the inputs' dials.

    Args:
        batches: Source of the crops.
        index: Index of the batch; None for the held-out crops.
        pipeline: Degradations; see `make_pipeline`.
        recipe: The recipe.
        seed: Seed of the degradations.

    Returns:
        ``input`` ``(N, C, h, w)`` and ``target`` ``(N, C, scale·h, scale·w)``, both in [0, 1].
    """
    size = pipeline.crop if pipeline else recipe.scale * recipe.data.patch
    if index is None:
        batch = batches.fixed(recipe.validation.count, size)
    else:
        batch = batches.batch(index, size, recipe.data.batch)
    target = batch.target.float().div_(255.0)
    generator = torch.Generator(target.device).manual_seed(seed)
    data, augment = recipe.data, recipe.augment
    if pipeline is None:
        assert batch.input is not None
        pair = Pair(batch.input.float().div_(255.0), target)
        trains = index is not None and augment.used
        return augmented(pair, augment, generator) if trains else pair
    if index is None:
        return pipeline(target, generator)
    if data.soft:
        target = with_soft(target, data.soft, generator)
    if data.pages:
        target = with_pages(target, data.pages, generator)
    if data.bilevel:
        target = make_bilevel(target, data.bilevel, data.color, generator)
    pair = pipeline(target, generator)
    if data.patterns:
        pair = with_patterns(pair, data.patterns, generator)
    return augmented(pair, augment, generator) if augment.used else pair


def is_bf16(recipe: Recipe, device: torch.device) -> bool:
    """Whether the layers are trained in bf16 on this device.

    CPUs that lack it are many times slower in bf16, and Intel's without AMX 1.5 times
    (benchmarks/training.py).
    """
    precision = recipe.train.precision
    if precision == "auto":
        return device.type != "cpu" or ("bf16" in cpu_features() and not has_slow_bf16())
    return precision == "bf16"


def _example(recipe: Recipe, device: torch.device) -> Tensor:
    """A batch of the training size."""
    data = recipe.data
    x = torch.rand(data.batch, data.channels, data.patch, data.patch, device=device)
    return x.contiguous(memory_format=torch.channels_last)


class _Core(nn.Module):
    """Wraps the network for distributed data parallelism, which needs tensors as outputs."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, dials: Tensor | None) -> tuple[Tensor, Tensor | None]:
        output = self.network.outputs(x, dials)
        return output.image, output.kl


class Learner:
    """Network, optimiser and losses of a run, and its training step.

    Args:
        recipe: The recipe.
        network: The network with its initial weights; trained in place.
        batches: The training data.
        fabric: Lightning Fabric of the training.
        compile_network: Compile the layers with ``torch.compile``.

    Attributes:
        average: Network with the exponential moving average of the weights, or with what a
            schedule-free optimiser averaged, which is validated and exported.
        parts: The parts of the run, which differ in the size of their crops.
        steps_per_epoch: Optimiser steps per pass through the data in each part; may be a fraction.
        opponent: The discriminator; None without adversarial training.
        recent: Loss and its terms for each step since the last log line.
    """

    def __init__(
        self,
        recipe: Recipe,
        network: Network,
        batches: Batches,
        fabric: Fabric,
        *,
        compile_network: bool = False,
    ) -> None:
        self.recipe = recipe
        self.batches = batches
        self.fabric = fabric
        self.device = fabric.device
        self.parts = [
            Part(step, part, make_pipeline(part, self.device))
            for step, part in part_recipes(recipe)
        ]
        self.pipeline = self.parts[0].pipeline
        self.steps_per_epoch = [self._pass_steps(part) for part in self.parts]
        self.losses = build_loss(recipe.loss, self.device)
        self.teacher = (
            Teacher(recipe.teacher, recipe.scale, self.device, recipe.data.color)
            if recipe.teacher
            else None
        )
        network.to(self.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self.network = network
        if has_new_ranges(network):
            fit_ranges(network, make_pair(batches, None, self.pipeline, recipe, 0).input)
        self.average = copy.deepcopy(network).eval()
        self.average.requires_grad_(False)
        self._weights: list[Tensor] = list(network.parameters())
        self._averages: list[Tensor] = list(self.average.parameters())
        self.optimizer = make_optimizer(network, recipe.train)
        kept = network.state_dict().keys()
        theirs = dict(network.named_buffers())
        # Such as running means of batch normalisation; constants are not part of the state.
        self._statistics = [
            (mine, theirs[name]) for name, mine in self.average.named_buffers() if name in kept
        ]
        self.bf16 = is_bf16(recipe, self.device)
        if compile_network:
            examples = [_example(part.recipe, self.device) for part in self.parts]
            compile_layers(network, *examples, bf16=self.bf16)
        self._core, self._step = fabric.setup(_Core(network), self.optimizer)
        self.opponent = (
            Opponent(
                recipe.adversarial,
                recipe.data.channels,
                fabric,
                recipe.train.seed,
                bf16=self.bf16,
            )
            if recipe.adversarial
            else None
        )
        self.recent: list[dict[str, Tensor]] = []

    def step(self, number: int, rate: float) -> None:
        """Updates the weights once.

        Args:
            number: Index of the step, from 0.
            rate: Factor of all learning rates; see `crispen.lab.schedule`.
        """
        train = self.recipe.train
        # Dropout and the noise of variational networks draw from PyTorch's own generators.
        seed = stream_seed(train.seed, self.fabric.global_rank, number, "network")
        seed_layers(self.device, seed)
        for group in self.optimizer.param_groups:
            group["lr"] = train.learning_rate * rate
        fights = self.opponent is not None and self.opponent.plays(number)
        self.optimizer.zero_grad(set_to_none=True)
        made: list[tuple[Tensor, Tensor]] = []
        terms: list[dict[str, Tensor]] = []
        for part in range(train.accumulate):
            with self._unsynced(part):
                out, target, values = self._backward(number, part, fights)
            terms.append(values)
            if fights:
                made.append((target, out.detach()))
        if train.clip:
            nn.utils.clip_grad_norm_(self._weights, train.clip)
        self._step.step()
        mean = {k: torch.stack([v[k] for v in terms]).mean() for k in terms[0]}
        if fights:
            assert self.opponent is not None
            mean["discriminator"] = self.opponent.step(made, rate)
        self.recent.append(mean)
        self._average(number + 1)

    def _unsynced(self, part: int) -> contextlib.AbstractContextManager[Any]:
        last = part == self.recipe.train.accumulate - 1
        return self.fabric.no_backward_sync(self._core, enabled=not last)

    def _backward(
        self, number: int, part: int, fights: bool
    ) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        now = part_at(self.parts, number)
        recipe, index = now.recipe, number * self.recipe.train.accumulate + part
        seed = stream_seed(recipe.train.seed, self.fabric.global_rank, index, "degradation")
        with torch.no_grad():
            pair = make_pair(self.batches, index, now.pipeline, recipe, seed)
            x = pair.input.contiguous(memory_format=torch.channels_last)
            target = self.teacher(x, pair.target) if self.teacher else pair.target
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            image, kl = self._core(x, pair.dials)
        loss, terms = self.losses(Output(image, kl), target)
        if fights:
            assert self.opponent is not None
            adversarial = self.opponent.for_generator(image, target)
            loss = loss + self.opponent.weight * adversarial
            terms["adversarial"] = adversarial.detach()
        self.fabric.backward(loss / recipe.train.accumulate)
        return image, target, {"": loss.detach()} | terms

    @torch.no_grad()
    def _average(self, steps: int) -> None:
        if self.recipe.train.optimizer == "schedule-free":
            copy_average(self.optimizer, self._weights, self._averages)
        else:
            # A smaller decay at first, so that the average forgets the initial weights.
            decay = min(self.recipe.train.ema, steps / (steps + 10))
            torch._foreach_lerp_(self._averages, self._weights, 1 - decay)
        for mine, other in self._statistics:
            mine.copy_(other)

    def finite(self) -> bool:
        """Whether all weights are finite."""
        weights = [*self._weights, *self._averages]
        if self.opponent:
            weights += list(self.opponent.network.parameters())
        norms = torch.stack(torch._foreach_norm(weights))
        return bool(norms.isfinite().all())

    def _pass_steps(self, part: Part) -> float:
        data, pipeline = part.recipe.data, part.pipeline
        size = pipeline.crop if pipeline else part.recipe.scale * data.patch
        return self.batches.pass_steps(size, data.batch) / self.recipe.train.accumulate

    def epoch(self, step: int) -> float:
        """Passes through the data in `step` steps."""
        return passes(self.parts, self.steps_per_epoch, step)

    def rate(self, number: int, cut: float) -> float:
        """The factor of the learning rates in step `number`; see `rate_factor`."""
        return rate_factor(number, self.recipe.train, cut=cut)
