"""The pages about data and colour say what the program does."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np

from crispen.evaluate.metrics import psnr, round8
from crispen.media.color import BT601_FULL, BT601_STUDIO
from crispen.media.image import read_image
from crispen.media.resample import resize

ROOT = Path(__file__).parents[3]


def test_the_tables_of_the_page_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, "tools/data.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_two_kinds_of_luma_differ_by_range_and_offset_alone() -> None:
    rgb = np.random.default_rng(0).random((50, 3))
    full, studio = BT601_FULL.luma(rgb) * 255, BT601_STUDIO.luma(rgb) * 255
    np.testing.assert_allclose(studio, 16 + 219 / 255 * full)


def test_the_note_on_colour_has_the_figures_of_set5(shared_data: Path) -> None:
    folder = shared_data / "valid" / "Set5"
    scores = []
    for file in sorted((folder / "HR").iterdir()):
        small = read_image(folder / "LR_x4" / file.name).as_rgb8() / 255
        height, width = (4 * n for n in small.shape[:2])
        large = read_image(file).as_rgb8()[:height, :width] / 255
        row = []
        for space in (BT601_STUDIO, BT601_FULL):
            out = resize(space.luma(small) * 255, height, width)
            row.append(psnr(round8(out), space.luma(large) * 255, border=4))
        scores.append(row)
    studio, full = np.mean(scores, axis=0)
    assert math.isclose(full - studio, 20 * math.log10(219 / 255), abs_tol=0.01)
    page = (ROOT / "docs" / "color.md").read_text()
    (line,) = [text for text in page.splitlines() if text.startswith("| bicubic x4")]
    assert f"{studio:.2f}" in line
    assert f"{full:.2f}" in line
