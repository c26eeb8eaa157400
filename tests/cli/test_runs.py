"""``crispen runs``: what was trained, and how it compares."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crispen.media.image import read_image

ABOUT = {"task": "denoise", "scale": 1, "status": "done", "steps": 40, "wall_time_s": 75}


def make_run(folder: Path, name: str, psnr: float) -> Path:
    folder.mkdir(parents=True)
    best = {"step": 40, "psnr": psnr, "ssim": 0.9, "mse": 0.0024}
    about = ABOUT | {"name": name, "step": 40, "best": best}
    (folder / "run.json").write_text(json.dumps(about))
    rows = [f"{s},{s / 10},0.001,{1 / s},{2 / s},{psnr - 40 / s}" for s in (10, 20, 40)]
    header = "step,epoch,learning_rate,loss,val_loss,val_psnr"
    (folder / "log.csv").write_text("\n".join([header, *rows, ""]))
    return folder


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    return [make_run(tmp_path / "runs" / n, n, p) for n, p in (("good", 31.5), ("bad", 28.25))]


def test_runs_are_listed_with_their_best_figures(crispen: Any, two: list[Path]) -> None:
    for arguments in (("runs",), ("runs", "runs"), ("runs", "list", "runs")):
        said = crispen(*arguments)
        assert said.code == 0, said.err
        for text in ("good", "bad", "31.50 dB", "28.25 dB", "40 of 40", "2.40e-03", "0:01:15"):
            assert text in said.out
    facts = json.loads(crispen("runs", "runs", "--json").out)
    assert {f["id"]: f["best"]["psnr"] for f in facts} == {"good": 31.5, "bad": 28.25}
    assert json.loads(crispen("runs", "--json").out) == facts


def test_curves_are_laid_over_each_other(crispen: Any, two: list[Path]) -> None:
    said = crispen("runs", "compare", *two, "-o", "both.png")
    assert said.code == 0, said.err
    assert "both.png" in said.out
    both = read_image(Path("both.png")).as_rgb8().astype(int)
    # Blue for the first run, red for the second.
    for color in ((0, 114, 178), (213, 94, 0)):
        assert (abs(both - color).sum(axis=2) < 30).sum() > 100
    again = crispen("runs", "compare", *two, "-o", "both.png")
    assert again.code == 1
    assert "--overwrite" in again.err
    for name in ("both.svg", "both.pdf"):
        assert crispen("runs", "compare", *two, "-o", name).code == 0
        assert Path(name).stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("nowhere",), 1, "no such folder"),
        (("compare", "nowhere"), 1, "not a run folder"),
        (("compare", "runs/good", "-o", "curves.txt"), 2, ".png"),
    ],
)
def test_what_is_wrong_is_told(
    crispen: Any, two: list[Path], arguments: tuple[str, ...], code: int, told: str
) -> None:
    said = crispen("runs", *arguments)
    assert said.code == code
    assert told in said.err


def test_no_runs_yet(crispen: Any, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    assert "crispen train" in crispen("runs").out
