"""`crispen evaluate`, `crispen compare` and the page shave the same border, at any scale."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from crispen.evaluate.benchmark import evaluate
from crispen.evaluate.compare import compare
from crispen.evaluate.metrics import literature_border
from crispen.jobs.previews import measure
from crispen.media.image import Image, write_image
from crispen.media.resample import resize


@pytest.mark.parametrize(
    ("scale", "border"), [(1, 0), (0.5, 0), (1.002, 1), (1.4, 1), (2, 2), (2.6, 3), (8, 8)]
)
def test_the_border_is_the_scale_and_none_at_scale_one(scale: float, border: int) -> None:
    assert literature_border(scale) == border


@pytest.mark.parametrize(("scale", "contender"), [(1, "none"), (2, "nearest"), (3, "nearest")])
def test_all_three_figures_agree(scale: int, contender: str, tmp_path: Path) -> None:
    random = np.random.default_rng(scale)
    side = 20
    small = random.integers(60, 200, (side, side, 3), np.uint8)
    large = resize(small, side * scale, side * scale, method="nearest").astype(np.uint8)
    truth = large + random.integers(0, 4, large.shape, np.uint8)
    # The error is largest on the outermost pixels, so that a border more or less shows.
    for ring, error in enumerate((50, 20, 10, 5)):
        inner = slice(ring + 1, -ring - 1)
        rim = np.ones(truth.shape, bool)
        rim[inner, inner] = False
        truth[rim] += np.uint8(error)
    files = {
        "source": tmp_path / f"set/LR_x{scale}/a.png",
        "truth": tmp_path / "set/HR/a.png",
        "result": tmp_path / "result.png",
    }
    for name, pixels in (("source", small), ("truth", truth), ("result", large)):
        files[name].parent.mkdir(parents=True, exist_ok=True)
        write_image(Image(pixels), files[name])

    evaluated = evaluate(contender, tmp_path / "set", scale)
    page = measure(files["source"], files["result"], files["truth"], 10**6)
    sheet = compare(files["source"], files["result"], files["truth"])
    note = sheet.panels[1].note

    assert evaluated.border == page.border == (scale if scale > 1 else 0)
    assert page.psnr == pytest.approx(evaluated.psnr, abs=0.001)
    assert page.ssim == pytest.approx(evaluated.ssim, abs=1e-4)
    assert note == f"{page.psnr:.2f} dB, SSIM {page.ssim:.4f}"
