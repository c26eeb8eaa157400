"""The folder of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from crispen.errors import (
    MissingInput,
    OutputError,
)
from crispen.evaluate.run_folders import read_run
from crispen.lab.checkpoint import BEST, load_checkpoint
from crispen.lab.recipe import Recipe, load_recipe
from crispen.lab.training import Trainer
from crispen.lab.training_job import TrainingJob
from crispen.media.image import read_image

Make = Callable[..., Recipe]


def test_a_run_folder_tells_everything(recipe: Make, tmp_path: Path) -> None:
    made = recipe(
        "denoise",
        "train.sample_epochs=[1]",
        "train.keep_epochs=[1]",
        "data.epoch=20",
        "train.steps=12",
        'loss=[{kind="mse"}, {kind="l1", weight=0.1}]',
        "paper.figures={psnr=27.25}",
    )
    folder = tmp_path / "run"
    best = TrainingJob(made, folder, threads=1).run().best
    run = read_run(folder)
    assert (run.name, run.task, run.scale, run.status) == ("tiny-noise", "denoise", 1, "done")
    assert (run.step, run.steps, run.seed) == (12, 12, 0)
    assert run.paper["figures"] == {"psnr": 27.25}
    assert run.best == pytest.approx(best)
    assert best.keys() == {"step", "loss", "mse", "psnr", "ssim", "accuracy"}
    assert set(run.versions) >= {"crispen", "torch", "lightning", "python"}
    assert len(run.data["digest"]) == 64
    assert set(run.data["split"]) >= {"train", "valid"}
    assert load_recipe(str(folder / "recipe.toml")) == made
    columns = "step epoch learning_rate loss val_loss val_mse val_psnr val_ssim val_accuracy"
    assert " ".join(run.log.columns).startswith(f"{columns} seconds")
    last = list(run.log.rows())[-1]
    assert last["loss"] == pytest.approx(last["loss_mse"] + 0.1 * last["loss_l1"], rel=1e-3)
    # 20 crops an epoch, 4 a step.
    assert [(s.step, s.epoch) for s in run.samples] == [(5, 1.0), (12, 2.4)]
    assert load_checkpoint(folder / "epoch-0001.ckpt")["step"] == 5
    assert read_image(run.samples[0].file).pixels.shape[1] > 4 * 200
    assert read_image(folder / "curves.png").pixels.size
    assert not (folder / "tensorboard").exists()
    assert run.model == folder / "tiny-noise.onnx"


def test_a_run_is_put_aside_not_lost(recipe: Make, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    Trainer(recipe("upscale", "train.steps=2"), folder).fit()
    with pytest.raises(MissingInput, match="nothing to resume"):
        Trainer(recipe("upscale"), tmp_path / "none", resume=True)
    Trainer(recipe("denoise", "train.steps=1"), folder, resume=False).fit()
    assert read_run(folder).name == "tiny-noise"
    assert load_checkpoint(tmp_path / "run.1" / BEST)["step"] == 2
    # A longer run is the same run.
    assert Trainer(recipe("denoise", "train.steps=3"), folder).step == 1


def test_a_folder_that_cannot_be_made(recipe: Make, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot be created.*choose another"):
        Trainer(recipe("upscale"), tmp_path / "file" / "run")
