"""Training speed on this machine: steps per second, and the shares of a step.

A step's arithmetic is that of the layers, forward and backward, of the network as it is exported:
what training its richer blocks costs more does not count. It is compared with the matrix peak, that
of one large product of matrices by PyTorch, in the same precision, with the same threads, measured
right before.

python benchmarks/training.py [photo-x2] [cpu] [seconds for each measurement] [KEY=VALUE …]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import torch
from skimage.data import astronaut
from torch.utils.flop_counter import FlopCounterMode

from _table import print_table
from crispen.lab.learner import is_bf16, make_pair
from crispen.lab.recipe import Recipe, load_recipe
from crispen.lab.training import Trainer
from crispen.media.image import Image, write_image

SECONDS = 8.0
MATRIX_PX = {"cpu": 2048, "cuda": 8192}


def matrix_peak(recipe: Recipe, device: torch.device, limit_s: float) -> float:
    """Operations per second of a product of large square matrices; the best of many."""
    side = MATRIX_PX.get(device.type, 4096)
    kind = torch.bfloat16 if is_bf16(recipe, device) else torch.float32
    a, b = (torch.randn(side, side, device=device, dtype=kind) for _ in range(2))
    out, best = a @ b, float("inf")
    ends = time.perf_counter() + limit_s
    while time.perf_counter() < ends or best == float("inf"):
        began = time.perf_counter()
        torch.mm(a, b, out=out)
        if device.type == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
    return 2 * side**3 / best


def operations(trainer: Trainer) -> int:
    """Operations of the layers in a step, forward and backward."""
    recipe, network = trainer.recipe, trainer.learner.average.merged()
    data = recipe.data
    x = torch.rand(data.batch, data.channels, data.patch, data.patch, device=trainer.learner.device)
    network.train().requires_grad_(True)
    with FlopCounterMode(display=False) as counter:
        network.outputs(x).image.sum().backward()
    return counter.get_total_flops() * recipe.train.accumulate


def rate(trainer: Trainer, limit_s: float) -> float:
    """Steps per second, compiled and warm."""
    learner = trainer.learner
    for step in range(5):
        learner.step(step, 1.0)
    began, steps = time.perf_counter(), 0
    while time.perf_counter() - began < limit_s:
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


def main(name: str, device: str, limit_s: float, changes: list[str]) -> None:
    """Prints one table."""
    rows = []
    for threads in (1, 2) if device == "cpu" else (torch.get_num_threads(),):
        torch.set_num_threads(threads)
        with tempfile.TemporaryDirectory() as folder:
            pictures = Path(folder) / "pictures"
            pictures.mkdir()
            write_image(Image(astronaut()), pictures / "astronaut.png")
            recipe = load_recipe(
                name,
                ["train.start=''", "validation.path=''", f"data.path='{pictures}'", *changes],
            )
            trainer = Trainer(recipe, Path(folder) / "run", device=device, compile_network=True)
            peak = matrix_peak(recipe, trainer.learner.device, limit_s / 4)
            speed = rate(trainer, limit_s)
            reached = operations(trainer) * speed
            share = data_seconds(trainer) * speed
            rows.append(
                [
                    f"{threads}",
                    "bf16" if trainer.learner.bf16 else "fp32",
                    f"{speed:.1f}",
                    f"{reached / 1e9:.0f}",
                    f"{peak / 1e9:.0f}",
                    f"{reached / peak:.1%}",
                    f"{share:.1%}",
                ]
            )
    print_table(
        f"Training {name} on {device}",
        [
            "threads",
            "precision",
            "steps a second",
            "GFLOP/s",
            "matrix peak, GFLOP/s",
            "share of the peak",
            "share of making the data",
        ],
        rows,
    )


if __name__ == "__main__":
    given = [*sys.argv[1:], *("photo-x2", "cpu", str(SECONDS))[len(sys.argv) - 1 :]]
    main(given[0], given[1], float(given[2]), given[3:])
