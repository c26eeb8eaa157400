"""``crispen look`` as a person would type it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from skimage import data


@pytest.fixture
def jpeg(tmp_path: Path) -> Path:
    path = tmp_path / "astronaut.jpg"
    Image.fromarray(data.astronaut()).save(path, quality=50)
    return path


def test_as_json(crispen: Any, jpeg: Path) -> None:
    said = crispen("look", jpeg, "--json")
    assert said.code == 0
    (found,) = json.loads(said.out)
    assert found["jpeg"] == {"quality": 50, "subsampling": "4:2:0"}
    assert found["faults"] == ["JPEG quality about 50"]
    assert (found["width"], found["height"], found["kind"]) == (512, 512, "photo")


def test_as_a_table(crispen: Any, jpeg: Path) -> None:
    said = crispen("look", jpeg)
    assert said.code == 0
    assert "50, 4:2:0" in said.out
    assert "JPEG quality about 50" in said.out


def test_one_bad_file_does_not_stop_the_rest(crispen: Any, jpeg: Path) -> None:
    said = crispen("look", "none.jpg", jpeg)
    assert said.code == 1
    assert "none.jpg" in said.err
    assert "50, 4:2:0" in said.out
