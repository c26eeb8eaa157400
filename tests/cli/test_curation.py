"""``crispen data look``, ``filter``, ``tile`` and ``leaks``, as typed; without PyTorch."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures: a photograph, a copy of its file, and a small damaged part of it."""
    from skimage.data import astronaut

    place = tmp_path / "in"
    place.mkdir()
    whole = PIL.Image.fromarray(astronaut())
    whole.save(place / "a.png")
    shutil.copy(place / "a.png", place / "b.png")
    whole.crop((130, 30, 380, 280)).resize((200, 200)).save(place / "c.jpg", quality=20)
    return place


@pytest.mark.usefixtures("no_pytorch")
def test_look(crispen: Any, folder: Path) -> None:
    said = crispen("data", "look", folder)
    assert said.code == 0, said.err
    assert "png 2, jpeg 1" in said.out
    assert "200 to 512, median 512 px" in said.out
    assert "equal: a.png, b.png" in said.out
    facts = json.loads(crispen("data", "look", folder, "--json").out)
    assert facts["count"] == 3
    assert facts["spread"]["quality"]["max"] == 20
    (folder / "d.png").write_bytes(b"no picture")
    said = crispen("data", "look", folder)
    assert said.code == 1
    assert "d.png" in said.err
    assert "png 2, jpeg 1" in said.out
    assert "torch" not in {name for name, module in sys.modules.items() if module is not None}


def test_filter(crispen: Any, folder: Path) -> None:
    words = ("data", "filter", folder, "--min-quality", 50)
    said = crispen(*words)
    assert said.code == 0, said.err
    assert said.out.split() == [str(folder / "a.png"), str(folder / "b.png")]
    assert "c.jpg: damage as of a JPEG of" in said.err
    said = crispen(*words, "--no-duplicates", "-o", "good")
    assert "copied 1 of 3 pictures in good" in said.out
    assert [p.name for p in Path("good").iterdir()] == ["a.png"]
    facts = json.loads(crispen(*words, "-o", "list.txt", "--json").out)
    assert Path("list.txt").read_text().split() == facts["kept"]
    assert list(facts["left_out"]) == [str(folder / "c.jpg")]
    again = crispen(*words, "-o", "list.txt")
    assert again.code == 1
    assert "--overwrite" in again.err
    assert "nothing to filter by" in crispen("data", "filter", folder).err


def test_tile(crispen: Any, folder: Path) -> None:
    said = crispen("data", "tile", folder, "-o", "tiles", "--side", 256)
    assert said.code == 0, said.err
    assert "cut 3 pictures into 9 tiles in tiles" in said.out
    with PIL.Image.open("tiles/a_256_0.png") as tile, PIL.Image.open(folder / "a.png") as whole:
        assert np.array_equal(np.asarray(tile), np.asarray(whole)[256:, :256])
    facts = json.loads(crispen("data", "tile", folder, "-o", "more", "--side", 256, "--json").out)
    assert facts == {"output": "more", "pictures": 3, "tiles": 9}
    assert "not empty" in crispen("data", "tile", folder, "-o", "more").err


def test_leaks(crispen: Any, folder: Path, tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    shutil.move(folder / "a.png", tests / "t.png")
    said = crispen("data", "leaks", folder, "--against", tests)
    assert said.code == 1
    assert "is a part of" in said.out
    found = json.loads(crispen("data", "leaks", folder, "--against", tests, "--json").out)
    assert [(Path(leak["file"]).name, leak["how"]) for leak in found] == [
        ("b.png", "same"),
        ("c.jpg", "part"),
    ]
    other = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    clean = tmp_path / "clean"
    clean.mkdir()
    PIL.Image.fromarray(other).save(clean / "n.png")
    said = crispen("data", "leaks", clean, "--against", tests)
    assert (said.code, said.err) == (0, "")
    assert "none of 1 pictures shares something with the 1 test pictures in" in said.out
    said = crispen("data", "leaks", clean, folder, "--against", tests, "--against", clean)
    assert said.code == 1
    assert "2 of 3 pictures share something with the 2 test pictures" in said.out
    said = crispen("data", "leaks", clean, "--against", "Set55")
    assert said.code != 0
    assert "Set55: no such folder, and no test set of that name is here" in said.err
