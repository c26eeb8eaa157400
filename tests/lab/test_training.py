"""Training learns, stops, keeps the best, and refuses what cannot work before any time is spent."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
import torch

from crispen.errors import (
    Cancelled,
    InputError,
    MissingInput,
    OutputError,
    TrainingError,
    UsageError,
)
from crispen.evaluate.run_folders import read_run
from crispen.lab.checkpoint import BEST, CHECKPOINT, load_checkpoint
from crispen.lab.recipe import Recipe, Train, load_recipe
from crispen.lab.schedule import Judge, rate_factor
from crispen.lab.training import Trainer
from crispen.lab.training_job import TrainingJob
from crispen.media.image import read_image
from crispen.progress import Event, Progress

Make = Callable[..., Recipe]


def test_schedules_by_hand() -> None:
    wsd = Train(steps=100, warmup=10, decay=0.2)
    assert [rate_factor(s, wsd) for s in (4, 50, 90, 99)] == pytest.approx([0.5, 1, 0.5, 0.05])
    cosine = Train(steps=100, warmup=20, schedule="cosine")
    assert [rate_factor(s, cosine) for s in (9, 20, 60, 100)] == pytest.approx([0.5, 1, 0.5, 0])
    constant = Train(steps=100, warmup=0, schedule="constant")
    assert rate_factor(99, constant, cut=0.5) == 1
    assert rate_factor(99, Train(warmup=0, schedule="plateau"), cut=0.5) == 0.5


def test_the_judge_slows_and_stops() -> None:
    train = Train(plateau_patience=2, plateau_factor=0.1, patience=4)
    judge = Judge()
    heard = [judge.hear(v, i, train, larger=True) for i, v in enumerate([30, 31, 31, 30, 29])]
    assert heard == [True, True, False, False, False]
    assert (judge.best, judge.step, judge.cut) == (31, 1, 0.1)
    assert not judge.enough(train)
    judge.hear(30.5, 5, train, larger=True)
    assert judge.enough(train)
    assert judge.cut == pytest.approx(0.01)
    assert Judge(best=0.5).hear(0.4, 1, train, larger=False)


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
    assert list((folder / "tensorboard").glob("events*"))
    assert run.model == folder / "tiny-noise.onnx"


def test_epochs_in_place_of_steps(recipe: Make, tmp_path: Path) -> None:
    made = recipe("upscale", "train.epochs=3", "data.epoch=20", "train.accumulate=2")
    trainer = Trainer(made, tmp_path)
    assert trainer.recipe.train.steps == 8  # 3 times 20 crops, 8 a step, rounded up
    trainer.fit()
    assert read_run(tmp_path).epoch == pytest.approx(3.2)


def test_validation_on_a_folder(recipe: Make, pictures: Path, tmp_path: Path) -> None:
    """PSNR while training is that of `crispen evaluate` for the exported model."""
    from crispen.evaluate.benchmark import evaluate

    made = recipe("upscale", f"validation.path='{pictures}'", "train.precision=fp32")
    trained = TrainingJob(made, tmp_path, threads=1).run()
    assert trained.model is not None
    score = evaluate(trained.model, pictures, 2)
    # The engine may compute in bf16.
    assert trained.best["psnr"] == pytest.approx(score.psnr, abs=0.02)
    assert trained.best["ssim"] == pytest.approx(score.ssim, abs=2e-3)


def test_early_stopping_and_the_best_checkpoint(recipe: Make, tmp_path: Path) -> None:
    made = recipe(
        "upscale",
        "train.learning_rate=1e-9",
        "train.validate_every=2",
        "train.patience=2",
        "train.precision=fp32",
        "validation.monitor=ssim",
        "train.steps=200",
        "train.ema=0",
    )
    Trainer(made, tmp_path).fit()
    about = json.loads((tmp_path / "run.json").read_text())
    assert about["status"] == "done"
    assert about["stopped_early"]
    assert about["step"] < 200
    assert load_checkpoint(tmp_path / BEST)["step"] == about["best"]["step"]
    assert about["step"] == about["best"]["step"] + 4
    # Resuming it finds nothing more to do.
    assert Trainer(made, tmp_path).fit()["step"] == about["best"]["step"]


def test_nan_names_the_step_and_the_checkpoint(
    recipe: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crispen.lab.losses.pixel import L1

    calls = 0
    plain = L1.forward

    def poisoned(self: L1, output: Any, target: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += self.training and output.image.requires_grad
        return plain(self, output, target) * (float("nan") if calls == 8 else 1.0)

    monkeypatch.setattr(L1, "forward", poisoned)
    with pytest.raises(TrainingError, match=r"step 8: the loss is nan.*last good.*last\.ckpt"):
        Trainer(recipe("upscale", "train.save_every=5"), tmp_path).fit()
    assert load_checkpoint(tmp_path / CHECKPOINT)["step"] == 5
    run = read_run(tmp_path)
    assert run.status == "failed"
    assert "step 8" in run.error


def test_a_diverged_network_never_becomes_the_best(recipe: Make, tmp_path: Path) -> None:
    Trainer(recipe("upscale", "train.steps=2", "train.validate_every=2"), tmp_path).fit()
    best = (tmp_path / BEST).read_bytes()
    trainer = Trainer(recipe("upscale", "train.steps=3"), tmp_path)
    with torch.no_grad():  # finite weights, infinite answers
        for layer in (trainer.learner.average.head, trainer.learner.average.tail):
            layer.weight.fill_(3e38)
    told = r"step 3: the psnr of validation is nan.*last\.ckpt, best: .*best\.ckpt"
    with pytest.raises(TrainingError, match=told):
        trainer.fit()
    assert (tmp_path / BEST).read_bytes() == best
    assert load_checkpoint(tmp_path / CHECKPOINT)["step"] == 2


def test_weights_that_are_no_numbers_are_never_saved(recipe: Make, tmp_path: Path) -> None:
    trainer = Trainer(recipe("upscale", "train.steps=2"), tmp_path)
    with torch.no_grad():
        trainer.learner.average.head.weight[0] = float("nan")
    with pytest.raises(TrainingError, match="no checkpoint was made yet"):
        trainer.fit()
    assert not list(tmp_path.glob("*.ckpt"))


def test_a_full_disk_costs_no_checkpoint(
    recipe: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import crispen.media.atomic as atomic

    made = recipe("upscale", "train.save_every=5", "train.validate_every=7")
    room = 2  # checkpoints
    whole = atomic.open_beside

    class Full:
        def __init__(self, file: BinaryIO) -> None:
            self.file = file

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, content: bytes) -> int:
            self.file.write(content[: len(content) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")

    def open_beside(path: Path) -> tuple[Path, Any]:
        nonlocal room
        temporary, file = whole(path)
        if path.suffix != ".ckpt":
            return temporary, file
        room -= 1
        return temporary, file if room >= 0 else Full(file)

    monkeypatch.setattr(atomic, "open_beside", open_beside)
    with pytest.raises(OutputError, match=r"last\.ckpt: cannot be written: No space left.*room"):
        Trainer(made, tmp_path).fit()
    assert load_checkpoint(tmp_path / CHECKPOINT)["step"] == 5
    assert load_checkpoint(tmp_path / BEST)["step"] == 7
    assert not list(tmp_path.glob(".*"))
    assert read_run(tmp_path).status == "failed"
    monkeypatch.undo()
    assert Trainer(made, tmp_path).fit()["step"] > 7


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


@pytest.mark.parametrize(
    ("kind", "changes", "told"),
    [
        ("upscale", ["data.patch=200"], "smaller than a crop of 408x408"),
        ("upscale", ["network.unshuffle=2", "data.patch=13"], r"data\.patch.*multiple of 2"),
        ("upscale", ["degradation=[{kind='bicubic', factor=3}]"], "shrink 3 times"),
        ("upscale", ["degradation=[{kind='color-noise', proportion=0.3}]"], "needs colour"),
        ("upscale", ["train.start='gone.ckpt'"], "gone.ckpt is not there; train it first"),
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


def test_monitor_that_cannot_be_measured(recipe: Make, tmp_path: Path) -> None:
    made = recipe("denoise", "data.patch=8", "validation.monitor=ssim", "train.steps=1")
    with pytest.raises(TrainingError, match=r"validation\.monitor: there is no ssim"):
        Trainer(made, tmp_path).fit()


def test_a_folder_that_cannot_be_made(recipe: Make, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot be made.*choose another"):
        Trainer(recipe("upscale"), tmp_path / "file" / "run")


def test_progress_is_told_in_steps(recipe: Make, tmp_path: Path) -> None:
    events: list[Event] = []
    progress = Progress(events.append)
    progress.cancel()
    trainer = Trainer(recipe("upscale"), tmp_path)
    with pytest.raises(Cancelled):
        trainer.fit(progress)
    training = [e for e in events if e.what == "training tiny-x2"]
    assert (training[-1].done, training[-1].total, training[-1].unit) == (1, 24, "steps")
    assert load_checkpoint(tmp_path / CHECKPOINT)["step"] == 1
