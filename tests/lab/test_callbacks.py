"""What happens beside the steps: early stops, checkpoints, progress."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import torch

from crispen.errors import (
    Cancelled,
    OutputError,
    TrainingError,
)
from crispen.evaluate.known_metrics import METRICS
from crispen.evaluate.run_folders import read_run
from crispen.lab.checkpoint import BEST, CHECKPOINT, load_checkpoint
from crispen.lab.export import export_checkpoint
from crispen.lab.recipe import Recipe
from crispen.lab.training import Trainer
from crispen.models.card import read_card
from crispen.models.card_page import card_page
from crispen.progress import Event, Progress

Make = Callable[..., Recipe]


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
    with pytest.raises(TrainingError, match="no checkpoint was written yet"):
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


GAN = (
    "adversarial.weight=1e-3",
    "adversarial.pretrain_steps=4",
    "train.validate_every=2",
    "train.precision=fp32",
    "data.patch=16",
)


def test_against_a_discriminator_the_latest_is_kept(recipe: Make, tmp_path: Path) -> None:
    """PSNR is best before the discriminator comes in, so it cannot say which network to ship."""
    made = recipe("upscale", *GAN, "train.steps=9", "train.learning_rate=1e-9", "train.ema=0")
    Trainer(made, tmp_path).fit()
    kept = load_checkpoint(tmp_path / BEST)
    assert kept["step"] == 9
    card = read_card(export_checkpoint(tmp_path / BEST, tmp_path))
    assert card.training is not None
    assert card.training.kept == "step 9, latest with the discriminator"
    assert "| checkpoint | step 9, latest with the discriminator |" in card_page(card)


def test_against_a_discriminator_lpips_says_which_is_best(
    recipe: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = iter([0.1, 0.2, 0.5, 0.3, 0.4])
    monkeypatch.setitem(METRICS, "lpips", replace(METRICS["lpips"], prepare=None))
    monkeypatch.setattr(
        "crispen.lab.callbacks.Validator.measure", lambda *_: {"val_lpips": next(said)}
    )
    Trainer(recipe("upscale", *GAN, "train.steps=10", "validation.monitor=lpips"), tmp_path).fit()
    # 0.1 was before the discriminator, at step 2; 0.3 is the best of those with it.
    assert load_checkpoint(tmp_path / BEST)["step"] == 8
    assert read_run(tmp_path).best == {"step": 8, "lpips": 0.3}
    card = read_card(export_checkpoint(tmp_path / BEST, tmp_path))
    assert card.training is not None
    assert card.training.kept == "step 8, lowest LPIPS of those with the discriminator"
