"""Training learns, stops, keeps the best, and refuses what cannot work before any time is spent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from crispen.errors import (
    InputError,
    UsageError,
)
from crispen.evaluate.run_folders import read_run
from crispen.lab.recipe import Recipe, load_recipe
from crispen.lab.training import Trainer

Make = Callable[..., Recipe]


def test_it_learns_and_beats_bicubic(tmp_path: Path) -> None:
    from crispen.lab.validation import run_whole

    made = load_recipe("toy", ["train.steps=120", "train.sample_every=0", "validation.count=8"])
    trainer = Trainer(made, tmp_path)
    trainer.fit()
    assert trainer.keeper.validator is not None
    cases = trainer.keeper.validator.cases
    network = trainer.learner.average
    errors = {"network": 0.0, "bicubic": 0.0}
    with torch.no_grad():
        for case in cases:
            bicubic = network.compose(case.input, torch.zeros(1, 4, *case.input.shape[-2:]))
            for name, out in (("network", run_whole(network, case.input)), ("bicubic", bicubic)):
                errors[name] += float(torch.mean((out.clamp(0, 1) - case.target) ** 2))
    assert errors["network"] < 0.9 * errors["bicubic"]


def test_epochs_in_place_of_steps(recipe: Make, tmp_path: Path) -> None:
    made = recipe("upscale", "train.epochs=3", "data.epoch=20", "train.accumulate=2")
    trainer = Trainer(made, tmp_path)
    assert trainer.recipe.train.steps == 8  # 3 times 20 crops, 8 a step, rounded up
    trainer.fit()
    assert read_run(tmp_path).epoch == pytest.approx(3.2)


@pytest.mark.parametrize(
    ("kind", "changes", "told"),
    [
        ("upscale", ["network.width=16"], "another recipe .network differs"),
        ("upscale", ["train.seed=1"], r"another recipe .train\.seed differs"),
        ("upscale", ["data.limit=2"], "another recipe .data differs"),
        ("upscale", ["loss.0.weight=2"], "another recipe .loss differs"),
        ("upscale", ["validation.monitor=mse"], "another recipe .validation differs"),
        ("denoise", [], "another recipe"),
    ],
)
def test_resume_refuses_another_recipe(
    recipe: Make, tmp_path: Path, kind: str, changes: list[str], told: str
) -> None:
    Trainer(recipe("upscale", "train.steps=1"), tmp_path / "run").fit()
    with pytest.raises(UsageError, match=told):
        Trainer(recipe(kind, *changes), tmp_path / "run")


def test_resume_refuses_other_pictures(recipe: Make, tmp_path: Path) -> None:
    from crispen.media.image import Image, write_image

    Trainer(recipe("upscale", "train.steps=1"), tmp_path / "run").fit()
    (tmp_path / "others").mkdir()
    for i in range(3):
        picture = Image(np.full((96, 96, 3), 40 * i, np.uint8))
        write_image(picture, tmp_path / "others" / f"{i}.png")
    other = recipe("upscale", f"data.path='{tmp_path / 'others'}'")
    with pytest.raises(UsageError, match="began with other data"):
        Trainer(other, tmp_path / "run")


@pytest.mark.parametrize(
    ("kind", "changes", "told"),
    [
        ("upscale", ["data.patch=200"], "smaller than a crop of 408x408"),
        ("upscale", ["network.unshuffle=2", "data.patch=13"], r"data\.patch.*multiple of 2"),
        ("upscale", ["degradation=[{kind='bicubic', factor=3}]"], "shrink 3 times"),
        ("upscale", ["degradation=[{kind='color-noise', proportion=0.3}]"], "needs colour"),
        ("upscale", ["train.start='gone.ckpt'"], "gone.ckpt does not exist; train it first"),
        ("upscale", ["data.path='gone'"], "gone"),
        ("upscale", ["validation.path='gone'"], "gone: no such folder"),
        ("upscale", ["network={kind='autoencoder-unet'}"], "scale"),
        ("upscale", ["adversarial.weight=1", "data.patch=4"], "16 px"),
        ("upscale", ["loss=[{kind='kl'}]"], "loss kl: this network has no latents"),
        ("upscale", ["loss=[{kind='ms-ssim', scales=4}]"], "ms-ssim"),
        ("denoise", ["degradation=[]"], "input and target are the same"),
        ("denoise", ["network={kind='autoencoder-dense'}"], r"data\.patch"),
        ("denoise", ["degradation.0.sigma=[50, 0]"], "swap"),
    ],
)
def test_what_cannot_work_is_told_at_once(
    recipe: Make, tmp_path: Path, kind: str, changes: list[str], told: str
) -> None:
    with pytest.raises((UsageError, InputError), match=told):
        Trainer(recipe(kind, *changes), tmp_path / "run")
    assert not (tmp_path / "run").exists()
