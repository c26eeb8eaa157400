"""Measured results and speeds, as a card holds them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from crispen.evaluate.benchmark import evaluate, measure_results, measure_speed
from crispen.media.image import Image, write_image
from crispen.models.store import find


def picture(path: Path, height: int, width: int, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), np.uint8)
    write_image(Image(coarse.repeat(4, 0).repeat(4, 1)[:height, :width].copy()), path)
    return path


def test_measured_results_of_a_card(tmp_path: Path) -> None:
    for data in ("SetA", "SetB"):
        picture(tmp_path / data / "HR" / "a.png", 48, 48)
        picture(tmp_path / data / "LR_x2" / "a.png", 24, 24)
    (tmp_path / "SetC" / "HR").mkdir(parents=True)
    path, card = find("espcn-x2")
    results = measure_results(path, card, tmp_path)
    assert [r.data for r in results] == ["SetA", "SetB"]
    bicubic = evaluate("bicubic", tmp_path / "SetA", 2)
    assert results[0].bicubic_psnr == pytest.approx(bicubic.psnr, abs=1e-3)


def test_measured_speed_of_a_card() -> None:
    told = re.fullmatch(
        r"(\d+) ms a 1080p frame \(\d+ cores, openvino (bf16|fp32)\)",
        measure_speed(*find("espcn-x4")),
    )
    assert told is not None
    assert int(told[1]) > 0
