"""Validation while a network trains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crispen.errors import (
    TrainingError,
)
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
    with pytest.raises(TrainingError, match=r"validation\.monitor: there is no ssim"):
        Trainer(made, tmp_path).fit()


def test_lpips_is_that_of_the_metric(
    recipe: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def measured(image: Any, reference: Any, weights: object) -> float:
        seen.append((image.copy(), reference.copy(), weights))
        return 0.25

    monkeypatch.setattr("crispen.lab.validation.load_weights", lambda: "weights")
    monkeypatch.setattr("crispen.lab.validation.lpips", measured)
    made = recipe("upscale", "validation.monitor=lpips", "train.steps=1", "data.patch=16")
    assert Trainer(made, tmp_path).fit()["lpips"] == 0.25
    image, reference, weights = seen[0]
    assert image.shape == reference.shape == (*image.shape[:2], 3)
    assert (image.dtype, weights) == (np.uint8, "weights")
    assert 0 < np.abs(image.astype(int) - reference).mean() < 40
