"""Metrics by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crispen.errors import MissingExtra, UsageError
from crispen.evaluate.benchmark import evaluate
from crispen.evaluate.known_metrics import METRICS, usable_metrics
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


def test_all_metrics_are_those_that_can_be_measured_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRISPEN_DISTS", str(tmp_path))
    monkeypatch.setenv("CRISPEN_BRISQUE", str(tmp_path))
    monkeypatch.setenv("CRISPEN_INCEPTION", str(tmp_path))
    monkeypatch.setitem(METRICS, "lpips", replace(METRICS["lpips"], prepare=None))
    usable, missing = usable_metrics()
    assert usable == ["psnr", "ssim", "mse", "lpips", "ssimulacra2", "niqe"]
    assert [line.split(":")[0] for line in missing] == [
        "dists is left out",
        "brisque is left out",
        "fid is left out",
        "kid is left out",
    ]


def test_metrics_without_colour_protocol_are_measured_and_shown(folder: Path) -> None:
    names = ("psnr", "ssimulacra2", "brisque")
    score = evaluate("bicubic", folder, 2, protocol=Protocol(metrics=names))
    assert score_tables.header([score])[2:5] == ("PSNR", "SSIMULACRA2", "BRISQUE")
    shown = score.mean("ssimulacra2")
    assert shown is not None
    assert 50 < shown < 100
    assert score.mean("brisque") is not None
    assert "SSIMULACRA 2 (higher is better" in score_tables.note([score])


def test_missing_weights_stop_a_measurement_before_it_begins(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRISPEN_DISTS", str(tmp_path / "nothing"))
    monkeypatch.setattr("crispen.evaluate.benchmark.measure_picture", lambda *_: 1 / 0)
    with pytest.raises(MissingExtra, match="DISTS needs its weights"):
        evaluate("bicubic", folder, 2, protocol=Protocol(metrics=("dists",)))
