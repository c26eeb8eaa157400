"""A run that was stopped or killed at any moment, and resumed, ends with the same weights."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from crispen.errors import Cancelled
from crispen.evaluate.run_folders import read_run
from crispen.lab.checkpoint import BEST, CHECKPOINT, load_checkpoint
from crispen.lab.recipe import Recipe, recipe_text
from crispen.lab.training import Trainer
from crispen.progress import Progress

Make = Callable[..., Recipe]
Stop = Callable[[int], Progress]

# Everything that has a state of its own: batch normalisation, dropout, momentum, clipping, a
# plateau, accumulation, a discriminator, and the noise of a variational network.
PLANS = {
    "plain": ("upscale", "train.schedule=cosine"),
    "dropout and statistics": (
        "denoise",
        "train.accumulate=2",
        "train.clip=0.1",
        "train.optimizer=adamw",
        "train.weight_decay=0.01",
    ),
    "momentum and plateau": (
        "denoise",
        "train.optimizer=sgd",
        "train.schedule=plateau",
        "train.validate_every=3",
        "train.plateau_patience=1",
        "train.learning_rate=0.02",
    ),
    "adversarial": (
        "upscale",
        'adversarial={discriminator={width=4}, loss="relativistic", pretrain_steps=9}',
        "train.precision=fp32",
    ),
    "variational": (
        "denoise",
        'network={kind="autoencoder-variational"}',
        "data.patch=32",
        "train.steps=8",
        "data.batch=2",
        'loss=[{kind="mse"}, {kind="kl", weight=1e-4}]',
    ),
}


def same(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def differing(one: Path, other: Path) -> list[str]:
    """The entries of two runs' last checkpoints that are not the same, bit for bit."""
    a, b = load_checkpoint(one / CHECKPOINT), load_checkpoint(other / CHECKPOINT)
    return [k for k in a if k != "wall_time_s" and not same(a[k], b[k])]


@pytest.mark.parametrize("plan", PLANS)
def test_a_stopped_run_ends_the_same(
    plan: str, recipe: Make, stop_at: Stop, tmp_path: Path
) -> None:
    made = recipe(*PLANS[plan])
    middle = made.train.steps // 2 + 1
    Trainer(made, tmp_path / "whole").fit()
    with pytest.raises(Cancelled):
        Trainer(made, tmp_path / "broken").fit(stop_at(middle))
    stopped = read_run(tmp_path / "broken")
    assert (stopped.status, stopped.step) == ("stopped", middle)
    # What others draw in between must not matter.
    torch.rand(7)
    resumed = Trainer(made, tmp_path / "broken", resume=True)
    assert resumed.step == middle
    resumed.fit()
    assert differing(tmp_path / "whole", tmp_path / "broken") == []
    whole, broken = read_run(tmp_path / "whole"), read_run(tmp_path / "broken")
    assert (broken.status, broken.best) == ("done", whole.best)
    assert broken.log.columns["step"] == whole.log.columns["step"]
    assert broken.log.columns["val_psnr"] == whole.log.columns["val_psnr"]


def test_another_seed_gives_other_weights(recipe: Make, tmp_path: Path) -> None:
    Trainer(recipe("upscale", "train.steps=3"), tmp_path / "a").fit()
    Trainer(recipe("upscale", "train.steps=3", "train.seed=1"), tmp_path / "b").fit()
    assert "network" in differing(tmp_path / "a", tmp_path / "b")


KILLED = """
import os, signal, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from crispen.lab import checkpoint
from crispen.lab.recipe import load_recipe
from crispen.lab.training import Trainer
from crispen.media import atomic
from crispen.progress import Progress

recipe, folder, moment, number = sys.argv[1:]

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

def at_step(event):
    if moment == "step" and event.done == int(number):
        kill()

writes = 0
def half_written(path):
    global writes
    writes += path.name.startswith(".") is False and path.suffix == ".ckpt"
    if moment == "write" and writes == int(number):
        temporary, file = atomic.open_beside(path)
        file.write(b"half a checkpoint")
        file.flush()
        kill()

whole = checkpoint.write_whole
def write_whole(path, content):
    half_written(path)
    whole(path, content)
    if moment == "written" and writes == int(number):
        kill()

checkpoint.write_whole = write_whole
Trainer(load_recipe(recipe), Path(folder)).fit(Progress(at_step))
"""


def test_a_killed_run_ends_the_same(recipe: Make, tmp_path: Path) -> None:
    made = recipe("upscale", "train.save_every=5", "train.validate_every=7", "train.sample_every=7")
    Trainer(made, tmp_path / "whole").fit()
    file = tmp_path / "recipe.toml"
    file.write_text(recipe_text(made))
    folder = tmp_path / "killed"
    # Checkpoints are written at steps 5, 7 (the best) and 10.
    moments = [("step", "8", 5), ("write", "2", 5), ("written", "1", 5)]
    for moment, number, kept in moments:
        done = subprocess.run(
            [sys.executable, "-c", KILLED, file, folder, moment, number],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert load_checkpoint(folder / CHECKPOINT)["step"] == kept, (moment, number)
        assert load_checkpoint(folder / BEST)["step"] == 7, (moment, number)
    Trainer(made, folder).fit()
    assert differing(tmp_path / "whole", folder) == []
    assert not list(folder.glob(".*"))
    whole, killed = read_run(tmp_path / "whole"), read_run(folder)
    assert killed.log.columns["step"] == whole.log.columns["step"]
    assert [s.step for s in killed.samples] == [s.step for s in whole.samples] == [7, 14, 21, 24]
