"""Validation while a network trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crispen.errors import (
    TrainingError,
)
from crispen.evaluate.known_metrics import METRICS
from crispen.lab.recipe import Recipe
from crispen.lab.training import Trainer
from crispen.lab.training_job import TrainingJob

Make = Callable[..., Recipe]


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


def test_monitor_that_cannot_be_measured(recipe: Make, tmp_path: Path) -> None:
    made = recipe("denoise", "data.patch=8", "validation.monitor=ssim", "train.steps=1")
    with pytest.raises(TrainingError, match=r"validation\.monitor: ssim cannot be measured"):
        Trainer(made, tmp_path).fit()


@pytest.mark.parametrize("name", ["lpips", "dists", "ssimulacra2", "niqe", "brisque"])
def test_a_perceptual_figure_is_that_of_the_metric(
    name: str, recipe: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    prepared = []

    def measured(image: Any, reference: Any) -> float:
        seen.append((image.copy(), reference.copy()))
        return 0.25

    metric = replace(METRICS[name], measure=measured, prepare=lambda: prepared.append(name))
    monkeypatch.setitem(METRICS, name, metric)
    made = recipe("upscale", f"validation.monitor={name}", "train.steps=1", "data.patch=16")
    assert made.validation.perceptual
    assert made.validation.larger_is_better != METRICS[name].lower_is_better
    assert Trainer(made, tmp_path).fit()[name] == 0.25
    assert prepared == [name]
    image, reference = seen[0]
    assert image.shape == reference.shape == (*image.shape[:2], 3)
    assert image.dtype == np.uint8
    assert 0 < np.abs(image.astype(int) - reference).mean() < 40
