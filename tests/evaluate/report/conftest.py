"""Runs and pages that several tests of reports use."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from crispen.evaluate.findings import Findings, examine
from crispen.evaluate.pairs import find_pairs
from crispen.evaluate.run_folders import Run, read_run
from crispen.evaluate.scores import PictureScore, Protocol, Score
from crispen.media.image import Image, write_image
from crispen.models.store import find

COLUMNS = "step,epoch,learning_rate,loss,loss_ssim,val_loss,val_mse,val_psnr,val_ssim"


LOG = f"""{COLUMNS},val_accuracy,seconds
100,1,0.001,0.04,0.01,,,,,,10
200,2,0.001,0.03,0.009,0.035,0.004,26,0.85,0.7,20
300,3,0.0005,0.02,0.008,0.03,0.003,27,0.87,0.8,30
"""


RECIPE = """name = "espcn-x2"
task = "upscale"
scale = 2
summary = "A <tiny> test."
[network]
kind = "espcn"
[data]
kind = "folder"
path = "pictures"
color = "luma"
patch = 32
batch = 16
[[loss]]
kind = "l1"
weight = 1.0
[[loss]]
kind = "ssim"
weight = 0.1
[train]
optimizer = "adam"
learning_rate = 0.001
steps = 300
"""


def make_run(folder: Path, **about: object) -> Run:
    folder.mkdir(parents=True)
    (folder / "recipe.toml").write_text(RECIPE)
    (folder / "log.csv").write_text(LOG)
    facts = {
        "name": "espcn-x2",
        "status": "done",
        "scale": 2,
        "step": 300,
        "steps": 300,
        "parameters": 58212,
        "wall_time_s": 3725.0,
        "best": {"step": 300, "psnr": 27.0, "ssim": 0.87, "mse": 0.003},
        "paper": {"title": "Some & paper", "figures": {"psnr": 26.5, "mse": 0.002}},
        "data": {"digest": "abc123", "split": {"valid": ["held.png"]}},
        "versions": {"torch": "2.13.0"},
        "command": "crispen train x.toml",
        "commit": "0123abc",
    }
    (folder / "run.json").write_text(json.dumps(facts | about))
    shutil.copy(find("espcn-x2")[0], folder / "espcn-x2.onnx")
    sheets = folder / "samples"
    sheets.mkdir()
    listed = []
    for step in range(100, 700, 100):
        write_image(Image(np.full((8, 8, 3), step % 256, np.uint8)), sheets / f"{step}.png")
        listed.append({"step": step, "epoch": step / 100, "file": f"{step}.png"})
    (sheets / "samples.json").write_text(json.dumps(listed))
    return read_run(folder, id=folder.name)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    y, x = np.mgrid[0:48, 0:52]
    for i, step in enumerate((9.0, 4.0, 2.2)):
        plane = 128 + 100 * np.sin(x / step) * np.cos(y / step)
        pixels = plane.astype(np.uint8)[..., None].repeat(3, 2)
        write_image(Image(pixels), folder / f"{i}<b>.png")
    return folder


def found(run: Run, data: Path) -> Findings:
    assert run.model is not None
    pairs = find_pairs(data, 2)
    return examine(
        run.model, pairs, "pictures", 2, Protocol(), baselines=["bicubic"], count=1, threads=1
    )


class Page(HTMLParser):
    """What a page fetches, its ids, headings and whether its elements are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.missing_alt = 0
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if "id" in values:
            self.ids.append(values["id"] or "")
        if tag == "a":
            self.links.append(values.get("href") or "")
        elif "src" in values:
            self.fetched.append(values["src"] or "")
        if tag == "img" and "alt" not in values:
            self.missing_alt += 1
        if tag not in ("meta", "img", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """``<line/>`` of an SVG: nothing is left open."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> was never opened"
        assert self.open.pop() == tag


def parse(page: str) -> Page:
    parsed = Page()
    parsed.feed(page)
    parsed.close()
    assert parsed.open == []
    return parsed


A = Score(
    "a<b>",
    "Set",
    2,
    (
        PictureScore("x.png", 30.0, 0.9, 0.25, 0.001, more={"lpips": 0.1}),
        PictureScore("y.png", math.inf, 1.0, 0.75, 0.0, more={"lpips": 0.3}),
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
        PictureScore("x.png", 20.0, 0.8, 0.1, 0.01, more={"lpips": None}),
        PictureScore("y.png", 22.0, 0.7, 0.1, 0.006, more={"lpips": 0.05}),
    ),
)
