"""The page of scores."""

from __future__ import annotations

import math
from dataclasses import replace

from crispen.evaluate.report.score_page import score_page
from crispen.evaluate.scores import PictureScore, Score

A = Score(
    "a<b>",
    "Set",
    2,
    (
        PictureScore("x.png", 30.0, 0.9, 0.25, 0.001, lpips=0.1),
        PictureScore("y.png", math.inf, 1.0, 0.75, 0.0, lpips=0.3),
    ),
    border=2,
    metrics=("psnr", "ssim", "mse", "lpips"),
    parameters=1234,
    memory_bytes=120_000_000,
)


B = replace(
    A,
    model="none",
    parameters=0,
    memory_bytes=None,
    pictures=(
        PictureScore("x.png", 20.0, 0.8, 0.1, 0.01, lpips=None),
        PictureScore("y.png", 22.0, 0.7, 0.1, 0.006, lpips=0.05),
    ),
)


def test_the_page_marks_the_best_and_escapes_names() -> None:
    page = score_page([A, B])
    assert "a<b>" not in page
    assert "a&lt;b&gt;" in page
    assert "the input itself" in page
    # Lower is better for LPIPS, where B has 0.05.
    assert '<td class="number best">0.0500</td>' in page
    assert '<td class="number best">0.00050</td>' in page
