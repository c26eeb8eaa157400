"""Training speed on this machine: steps per second, and the data's share of a step.

python benchmarks/training.py [photo-x2] [cpu]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import torch
from skimage.data import astronaut

from _table import print_table
from crispen.lab.learner import make_pair
from crispen.lab.networks import parameter_count
from crispen.lab.recipe import load_recipe
from crispen.lab.training import Trainer
from crispen.media.image import Image, write_image

SECONDS = 8.0


def rate(trainer: Trainer) -> float:
    """Steps per second, compiled and warm."""
    learner = trainer.learner
    for step in range(5):
        learner.step(step, 1.0)
    began, steps = time.perf_counter(), 0
    while time.perf_counter() - began < SECONDS:
        learner.step(steps, 1.0)
        learner.recent.clear()
        steps += 1
    if learner.device.type == "cuda":
        torch.cuda.synchronize()
    return steps / (time.perf_counter() - began)


def data_seconds(trainer: Trainer) -> float:
    """Seconds for one batch of inputs and targets."""
    learner, repeats = trainer.learner, 200
    began = time.perf_counter()
    for step in range(repeats):
        make_pair(learner.batches, step, learner.pipeline, learner.recipe, step)
    if learner.device.type == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - began) / repeats


def main(name: str, device: str) -> None:
    """Prints one table."""
    rows = []
    for threads in (1, 2) if device == "cpu" else (torch.get_num_threads(),):
        torch.set_num_threads(threads)
        with tempfile.TemporaryDirectory() as folder:
            pictures = Path(folder) / "pictures"
            pictures.mkdir()
            write_image(Image(astronaut()), pictures / "astronaut.png")
            recipe = load_recipe(
                name, ["train.start=''", "validation.path=''", f"data.path='{pictures}'"]
            )
            trainer = Trainer(recipe, Path(folder) / "run", device=device, compile_network=True)
            speed = rate(trainer)
            network = trainer.learner.network.merged()
            pixels_a_step = recipe.data.batch * recipe.data.patch**2
            gflops = 6 * parameter_count(network) * pixels_a_step * speed / 1e9
            share = data_seconds(trainer) * speed
            rows.append([f"{threads}", f"{speed:.1f}", f"{gflops:.0f}", f"{share:.1%}"])
    print_table(
        f"Training {name} on {device}",
        ["threads", "steps a second", "GFLOP/s", "share of making the data"],
        rows,
    )


if __name__ == "__main__":
    main(*(sys.argv[1:] + ["photo-x2", "cpu"][len(sys.argv) - 1 :]))
