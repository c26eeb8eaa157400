"""Training speed on this machine: steps a second, and what share of a step is making the data.

python benchmarks/training.py [photo-x2] [cpu]
"""

from __future__ import annotations

import sys
import time

import torch
from skimage.data import astronaut

from _table import print_table
from crispen.lab.data import batches_of
from crispen.lab.data.sources import to_color
from crispen.lab.learner import Learner, make_network, make_pair, make_pipeline
from crispen.lab.networks import parameter_count
from crispen.lab.processes import Place, connect
from crispen.lab.recipe import Recipe, load_recipe

SECONDS = 8.0


def make_learner(recipe: Recipe, device: str) -> Learner:
    """The recipe's step on one picture that lies on the device."""
    fabric = connect(device, Place.of_environment(1))
    pipeline = make_pipeline(recipe, fabric.device)
    assert pipeline is not None
    pictures = [to_color(astronaut(), recipe.data.color)]
    batches = batches_of(pictures, recipe.data, device=fabric.device, size=pipeline.crop)
    return Learner(recipe, make_network(recipe), batches, fabric, compile_network=True)


def settle(learner: Learner) -> None:
    """Waits for the device."""
    if learner.device.type == "cuda":
        torch.cuda.synchronize()


def rate(learner: Learner) -> float:
    """Steps a second, compiled and warm."""
    for number in range(5):
        learner.step(number, 1.0)
    settle(learner)
    began, steps = time.perf_counter(), 0
    while time.perf_counter() - began < SECONDS:
        learner.step(steps, 1.0)
        steps += 1
    settle(learner)
    return steps / (time.perf_counter() - began)


def data_seconds(learner: Learner) -> float:
    """Seconds for one batch of inputs and targets."""
    began, repeats = time.perf_counter(), 200
    for step in range(repeats):
        make_pair(learner.batches, step, learner.pipeline, learner.recipe, step)
    settle(learner)
    return (time.perf_counter() - began) / repeats


def main(name: str, device: str) -> None:
    """Prints one table."""
    recipe = load_recipe(name, ['train.start=""'])
    rows = []
    for threads in (1, 2) if device == "cpu" else (torch.get_num_threads(),):
        torch.set_num_threads(threads)
        learner = make_learner(recipe, device)
        speed = rate(learner)
        pixels_a_step = recipe.data.batch * recipe.data.patch**2
        weights = parameter_count(learner.average.merged())
        gflops = 6 * weights * pixels_a_step * speed / 1e9
        share = data_seconds(learner) * speed
        rows.append([f"{threads}", f"{speed:.1f}", f"{gflops:.0f}", f"{share:.1%}"])
    print_table(
        f"Training {name} on {device}",
        ["threads", "steps a second", "GFLOP/s", "share of making the data"],
        rows,
    )


if __name__ == "__main__":
    main(*(sys.argv[1:] + ["photo-x2", "cpu"][len(sys.argv) - 1 :]))
