"""Metrics by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from crispen.errors import UsageError
from crispen.evaluate.benchmark import evaluate
from crispen.evaluate.metrics import mse, psnr, ssim
from crispen.evaluate.report import score_tables
from crispen.evaluate.scores import Protocol
from crispen.media.image import Image, write_image


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    y, x = np.mgrid[0:60, 0:64]
    for i in range(2):
        planes = [128 + 90 * np.sin((x + i) / (3.0 + c)) * np.cos(y / (4.0 + c)) for c in range(3)]
        write_image(Image(np.stack(planes, -1).astype(np.uint8)), tmp_path / f"{i}.png")
    return tmp_path


def test_other_metrics_only_when_asked(folder: Path) -> None:
    score = evaluate("bicubic", folder, 2, protocol=Protocol(metrics=("psnr", "niqe")))
    assert score.mean("lpips") is None
    # Smaller than two blocks of 96 pixels.
    assert score.mean("niqe") is None
    assert score_tables.header([score]) == (
        "model",
        "picture",
        "PSNR",
        "NIQE",
        "seconds",
        "peak MB",
    )
    assert score_tables.rows([score])[-1][3] == "–"


def test_metrics_of_pictures_that_differ_in_shape() -> None:
    with pytest.raises(UsageError, match="differ in size"):
        ssim(np.zeros((20, 20, 3)), np.zeros((20, 21, 3)), border=0)
    with pytest.raises(UsageError, match="differ in size"):
        mse(np.zeros((20, 20)), np.zeros((20, 21)), border=0)
    # The channels are no side of the picture.
    assert psnr(np.zeros((20, 20, 3)), np.full((20, 20, 3), 255.0), border=4) == 0
