"""Figures of a run in its report."""

from __future__ import annotations

from pathlib import Path

from crispen.evaluate.report.run_report import best_figure

from .conftest import make_run


def test_best_figures(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a", best={})
    assert best_figure(run, "psnr") == 27
    assert best_figure(run, "mse") == 0.003
    assert best_figure(run, "nothing") is None
