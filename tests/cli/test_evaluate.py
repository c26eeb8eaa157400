"""``crispen evaluate`` with its options; its formats are in ``test_commands.py`` too."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crispen.media.image import Image, write_image


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data set on the search path."""
    folder = tmp_path / ".data" / "crispen" / "data" / "Tiny"
    folder.mkdir(parents=True)
    y, x = np.mgrid[0:48, 0:44]
    for i in range(2):
        plane = 128 + 80 * np.sin((x + 3 * i) / 4.0) * np.cos(y / 5.0)
        write_image(Image(plane.astype(np.uint8)[..., None].repeat(3, 2)), folder / f"{i}.png")
    return folder


def test_baselines_by_name_on_a_set_by_name(crispen: Any, data: Path) -> None:
    said = crispen("evaluate", "--baseline", "nearest, bicubic", "--data", "tiny", "--json")
    assert said.code == 0, said.err
    scores = json.loads(said.out)
    assert [(s["model"], s["data"], s["scale"]) for s in scores] == [
        ("nearest", "Tiny", 2),
        ("bicubic", "Tiny", 2),
    ]
    assert scores[0]["psnr"] < scores[1]["psnr"]
    assert scores[0]["border"] == 2


def test_colour_border_and_metrics(crispen: Any, data: Path) -> None:
    said = crispen(
        *("evaluate", "bicubic", "--data", "Tiny", "--color", "rgb", "--border", "0", "--json"),
        *("--metrics", "mse,psnr"),
    )
    (score,) = json.loads(said.out)
    assert (score["color"], score["border"]) == ("R'G'B'", 0)
    assert score["psnr"] > 0
    assert "ssim" not in score


def test_the_scale_is_the_models(crispen: Any, data: Path) -> None:
    said = crispen("evaluate", "espcn-x3", "--data", "Tiny", "--threads", "1", "--json")
    assert json.loads(said.out)[0]["scale"] == 3


def test_a_degradation_is_seeded(crispen: Any, data: Path) -> None:
    pytest.importorskip("torch")
    common = ("evaluate", "none", "median", "--scale", "1", "--data", "Tiny", "--json")
    noisy = (*common, "--degrade", "salt-and-pepper=0.2")
    first, again = (json.loads(crispen(*noisy).out) for _ in range(2))
    other = json.loads(crispen(*noisy, "--seed", "1").out)
    assert first[0]["pictures"][0]["psnr"] == again[0]["pictures"][0]["psnr"]
    assert first[0]["psnr"] != other[0]["psnr"]
    assert first[1]["psnr"] > first[0]["psnr"] + 5
    assert first[0]["degradation"] == "salt-and-pepper=0.2 (seed 0)"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.html", "<!doctype html>"),
        ("t.md", "| bicubic | mean |"),
        ("t.csv", "bicubic,mean,"),
        ("t.json", '"model": "bicubic"'),
    ],
)
def test_the_file_says_how_it_is_written(
    crispen: Any, data: Path, tmp_path: Path, name: str, text: str
) -> None:
    common = ("evaluate", "bicubic", "--data", "Tiny", "-o", name)
    assert crispen(*common).code == 0
    written = (tmp_path / name).read_text()
    assert text in written
    assert "--overwrite" in crispen(*common).err
    assert crispen(*common, "--overwrite").code == 0


def test_html_on_standard_output(crispen: Any, data: Path) -> None:
    said = crispen("evaluate", "bicubic", "--data", "Tiny", "--format", "html")
    assert said.out.startswith("<!doctype html>")
    assert said.out.rstrip().endswith("</html>")


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ((), 2, "name a model"),
        (("--baseline", "bicubik"), 2, "did you mean bicubic"),
        (("bicubic", "--metrics", "psrn"), 2, "did you mean psnr"),
        (("bicubic", "--metrics", ","), 2, "at least one"),
        (("median", "--scale", "2"), 2, "does not enlarge"),
        (("none", "--scale", "1"), 2, "--degrade gaussian-noise=25"),
        (("espcn-x2", "espcn-x3"), 2, "measure them by scale"),
        (("bicubic", "-o", "t.doc"), 2, ".html"),
        (("espcn-x2", "--scale", "3"), 2, "--scale 2"),
    ],
)
def test_evaluate_wrongly(
    crispen: Any, data: Path, arguments: tuple[str, ...], code: int, text: str
) -> None:
    said = crispen("evaluate", *arguments, "--data", "Tiny")
    assert said.code == code
    assert text in said.err
    assert said.out == ""


def test_a_wrong_degradation(crispen: Any, data: Path) -> None:
    pytest.importorskip("torch")
    said = crispen("evaluate", "none", "--scale", "1", "--data", "Tiny", "--degrade", "gausian=2")
    assert said.code == 2
    assert "no degradation is called" in said.err


def test_degradations_need_pytorch(crispen: Any, data: Path, no_pytorch: None) -> None:
    said = crispen("evaluate", "none", "--scale", "1", "--data", "Tiny", "--degrade", "jpeg=20")
    assert said.code == 2
    assert "pip install 'crispen[train]'" in said.err


def test_evaluate_in_every_format(crispen: Any, photo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    photo.rename(folder / "photo.png")
    common = ("evaluate", "bicubic", "espcn-x2", "--data", folder, "--threads", "1")
    table = crispen(*common)
    assert table.code == 0, table.err
    assert "Y'" in table.out
    markdown = crispen(*common, "--format", "markdown").out
    assert markdown.splitlines()[1] == "| --- | --- | --- | --- | --- | --- | --- |"
    rows = list(csv.DictReader(io.StringIO(crispen(*common, "--format", "csv").out)))
    assert [r["picture"] for r in rows] == ["photo.png", "mean"] * 2
    scores = json.loads(crispen(*common, "--json").out)
    assert [s["model"] for s in scores] == ["bicubic", "espcn-x2"]
    assert float(rows[0]["PSNR"]) == pytest.approx(scores[0]["psnr"], abs=0.005)


def test_evaluate_without_data(crispen: Any) -> None:
    said = crispen("evaluate", "bicubic", "--data", "nowhere")
    assert said.code == 1
    assert "no such folder" in said.err


def test_without_pytorch_the_install_line_is_told(
    crispen: Any, photo: Path, no_pytorch: None
) -> None:
    for arguments in (("train", "photo-x2"), ("export", photo)):
        said = crispen(*arguments)
        assert said.code == 2
        assert "pip install 'crispen[train]'" in said.err
