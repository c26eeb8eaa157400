"""Training speed on this machine: steps a second, and what share of a step is making the data.

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
from crispen.lab.data.pixels import PixelSet
from crispen.lab.networks import parameter_count
from crispen.lab.recipe import load_recipe
from crispen.lab.training import Trainer

SECONDS = 8.0


def rate(trainer: Trainer) -> float:
    """Steps a second, compiled and warm."""
    for _ in range(5):
        trainer.step()
    began, steps = time.perf_counter(), 0
    while time.perf_counter() - began < SECONDS:
        trainer.step()
        steps += 1
    if trainer.device.type == "cuda":
        torch.cuda.synchronize()
    return steps / (time.perf_counter() - began)


def data_seconds(trainer: Trainer) -> float:
    """Seconds for one batch of LR and HR crops."""
    began, repeats = time.perf_counter(), 200
    for _ in range(repeats):
        crops = trainer.pixels.crops(
            trainer.recipe.data.batch, trainer.down.crop, trainer.state.generator
        )
        trainer.down(crops.float())
    if trainer.device.type == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - began) / repeats


def main(name: str, device: str) -> None:
    """Prints one table."""
    recipe = load_recipe(name, ['train.start=""'])
    rows = []
    for threads in (1, 2) if device == "cpu" else (torch.get_num_threads(),):
        torch.set_num_threads(threads)
        with tempfile.TemporaryDirectory() as folder:
            pixels = PixelSet([astronaut()[..., :1]]).to(device)
            trainer = Trainer(
                recipe, Path(folder), device=device, pixels=pixels, compile_network=True
            )
            speed = rate(trainer)
            network = trainer.state.network.merged()
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
