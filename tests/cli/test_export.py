"""``crispen export``: a checkpoint becomes a model that every command takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crispen.media.image import Image, write_image

TINY = ("--set", "network.width=4", "--set", "network.depth=1", "--set", "data.patch=8")
SHORT = ("--set", "data.batch=2", "--set", "train.warmup=1", "--set", "train.steps=3")


def test_train_then_export_then_use(crispen: Any, tmp_path: Path) -> None:
    data = tmp_path / "pictures"
    data.mkdir()
    rng = np.random.default_rng(0)
    write_image(Image(rng.integers(0, 256, (96, 96, 3), np.uint8)), data / "noise.png")
    said = crispen(
        *("train", "plain-x2", "--data", data, "-o", "run", "--device", "cpu", "--threads", "1"),
        *(*TINY, *SHORT, "--no-export", "--json"),
    )
    assert said.code == 0, said.err
    result = json.loads(said.out)
    assert result["model"] is None
    exported = crispen("export", result["checkpoint"], "-o", "mine-x2.onnx")
    assert exported.code == 0, exported.err
    assert (tmp_path / "mine-x2.safetensors").is_file()
    assert (tmp_path / "mine-x2.md").is_file()
    assert "--overwrite" in crispen("export", "run", "-o", "mine-x2.onnx").err
    again = crispen("export", "run", "-o", "mine-x2.onnx", "--overwrite", "--json")
    assert json.loads(again.out)["bytes"] == (tmp_path / "mine-x2.onnx").stat().st_size
    score = crispen("evaluate", "mine-x2.onnx", "--data", data, "--format", "csv")
    assert score.code == 0, score.err
    assert "mine-x2,mean," in score.out


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("nowhere.ckpt",), 1, "no such checkpoint"),
        ((".",), 1, "no best.ckpt or last.ckpt in it"),
        (("photo.png",), 1, "not a Crispen checkpoint"),
        (("photo.png", "-o", "model.pt"), 2, ".onnx"),
        (("photo.png", "--valid", "nowhere"), 1, "nowhere: no such folder"),
    ],
)
def test_what_is_wrong_is_told(
    crispen: Any, photo: Path, arguments: tuple[str, ...], code: int, text: str
) -> None:
    said = crispen("export", *arguments)
    assert said.code == code
    assert text in said.err
