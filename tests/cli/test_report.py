"""``crispen report`` as a student would type it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crispen.media.image import Image, write_image
from crispen.models.store import find

RECIPE = """name = "espcn-x2"
task = "upscale"
scale = 2
[network]
kind = "espcn"
[data]
path = "pictures"
[[loss]]
kind = "l1"
"""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "runs" / "one"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"name": "espcn-x2", "scale": 2, "status": "done"}))
    (folder / "recipe.toml").write_text(RECIPE)
    (folder / "log.csv").write_text("step,loss,val_psnr\n1,0.5,20\n2,0.4,21\n")
    shutil.copy(find("espcn-x2")[0], folder / "espcn-x2.onnx")
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    folder.mkdir()
    for i in range(2):
        x = np.random.default_rng(i).integers(0, 256, (48, 40, 3), np.uint8)
        write_image(Image(x), folder / f"{i}.png")
    return folder


def test_a_report_is_written(crispen: Any, run: Path, data: Path, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("First thought.\n\nSecond thought.")
    said = crispen(
        *("report", run, "-o", "report.html", "--data", data, "--threads", "1"),
        *("--title", "My work", "--author", "Ada", "--text", "words.txt", "--baseline", "nearest"),
    )
    assert said.code == 0, said.err
    assert "made report.html" in said.out
    page = (tmp_path / "report.html").read_text()
    for text in ("My work", "Ada", "Second thought.", "nearest", "Worst: ", "Loss"):
        assert text in page
    again = crispen("report", run, "-o", "report.html", "--data", data)
    assert again.code == 1
    assert "--overwrite" in again.err
    assert (tmp_path / "report.html").read_text() == page


def test_without_a_model_it_says_what_to_do(crispen: Any, run: Path) -> None:
    (run / "espcn-x2.onnx").unlink()
    said = crispen("report", run, "--json")
    assert said.code == 0
    facts = json.loads(said.out)
    assert "crispen export" in facts["missing"][str(run)]


def test_without_pictures(crispen: Any, run: Path, tmp_path: Path) -> None:
    said = crispen("report", run, "--pictures", "0")
    assert said.code == 0
    assert "Best and worst" not in (tmp_path / "report.html").read_text()


def test_the_recipes_own_degradation_is_shown(
    crispen: Any, run: Path, data: Path, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    blur = '[[degradation]]\nkind = "gaussian-blur"\nsigma = 2\n'
    (run / "recipe.toml").write_text(RECIPE + blur)
    said = crispen("report", run, "--data", data, "--threads", "1")
    assert said.code == 0, said.err
    page = (tmp_path / "report.html").read_text()
    assert "The recipe&#x27;s own degradation" in page
    assert "degradation: gaussian-blur (sigma 2)" in page


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("nowhere",), 1, "not a run folder"),
        (("runs/one", "-o", "report.pdf"), 2, ".html"),
        (("runs/one", "--data", "nowhere"), 1, "no such folder"),
        (("runs/one", "--baseline", "bicubik"), 2, "did you mean bicubic"),
        (("runs/one", "--text", "nowhere.txt"), 1, "no such file"),
        (("runs/one", "-o", "missing/report.html", "--pictures", "0"), 1, "missing"),
        ((), 2, "RUN"),
    ],
)
def test_reports_wrongly(
    crispen: Any, run: Path, arguments: tuple[str, ...], code: int, text: str, tmp_path: Path
) -> None:
    said = crispen("report", *arguments)
    assert said.code == code
    assert text in said.err
    assert not list(tmp_path.glob("*.html"))
