"""Data sets by folder and by name, and the pictures in them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from crispen.errors import MissingInput, UsageError
from crispen.evaluate.pairs import find_data, find_pairs
from crispen.media.image import Image, write_image


def picture(path: Path, height: int = 40, width: int = 36, value: int = 90) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(Image(np.full((height, width, 3), value, np.uint8)), path)
    return path


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two folders on the search path, the second of the user's data."""
    monkeypatch.chdir(tmp_path)
    first = tmp_path / "first"
    monkeypatch.setenv("CRISPEN_DATA", os.pathsep.join([str(tmp_path / "none"), str(first)]))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    return first, tmp_path / "user" / "crispen" / "data"


def test_a_folder_is_itself(tmp_path: Path) -> None:
    assert find_data(tmp_path) == tmp_path


def test_names_are_found_in_order(places: tuple[Path, Path]) -> None:
    first, user = places
    (user / "Set5").mkdir(parents=True)
    assert find_data("set5") == user / "Set5"
    (first / "SET5").mkdir(parents=True)
    assert find_data("Set5") == first / "SET5"


def test_a_folder_here_comes_first(places: tuple[Path, Path]) -> None:
    (places[1] / "Set5").mkdir(parents=True)
    Path("Set5").mkdir()
    assert find_data("Set5") == Path("Set5")


def test_a_name_that_is_nowhere_says_where_to_put_it(places: tuple[Path, Path]) -> None:
    with pytest.raises(MissingInput, match="no such folder") as told:
        find_data("Set5")
    assert str(places[1]) in str(told.value)


def test_a_path_is_no_name(places: tuple[Path, Path]) -> None:
    (places[1] / "Set5").mkdir(parents=True)
    with pytest.raises(MissingInput, match="no such folder"):
        find_data("pictures/Set5")


def test_a_degradation_makes_the_other_picture(tmp_path: Path) -> None:
    picture(tmp_path / "HR" / "a.png", value=90)
    picture(tmp_path / "HR" / "b.png", value=100)
    picture(tmp_path / "LR_x1" / "a.png", value=1)
    pairs = find_pairs(tmp_path, 1, degraded=True)
    seen = []

    def darken(pixels: np.ndarray, index: int) -> np.ndarray:
        seen.append(index)
        return pixels // 2

    loaded = [pair.load(1, darken) for pair in pairs]
    assert [(lr[0, 0, 0], hr[0, 0, 0]) for lr, hr in loaded] == [(45, 90), (50, 100)]
    assert seen == [0, 1]


def test_bad_pictures_of_full_size(tmp_path: Path) -> None:
    picture(tmp_path / "HR" / "a.png", value=90)
    picture(tmp_path / "LR_x1" / "a.png", value=70)
    lr, hr = find_pairs(tmp_path, 1)[0].load(1)
    assert (lr[0, 0, 0], hr[0, 0, 0]) == (70, 90)


def test_nothing_to_mend(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    with pytest.raises(UsageError, match="--degrade gaussian-noise=25"):
        find_pairs(tmp_path, 1)


def test_a_degradation_that_gives_something_else(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    (pair,) = find_pairs(tmp_path, 1, degraded=True)
    with pytest.raises(UsageError, match="must give"):
        pair.load(1, lambda pixels, index: pixels[..., 0])
