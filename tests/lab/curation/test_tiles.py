"""Tiles: the same pixels, in place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crispen.errors import InputError, OutputError, UsageError
from crispen.lab.curation.tiles import tile_corners, tile_folder
from crispen.media.image import Image, read_image, write_image


@pytest.mark.parametrize(
    ("length", "side", "stride", "corners"),
    [
        (100, 40, 40, [10, 50]),
        (80, 40, 40, [0, 40]),
        (79, 40, 40, [19]),
        (40, 40, 40, [0]),
        (39, 40, 40, [0]),
        (100, 40, 30, [0, 30, 60]),
    ],
)
def test_corners(length: int, side: int, stride: int, corners: list[int]) -> None:
    assert tile_corners(length, side, stride) == corners


def test_tiles_are_the_pictures_pixels(save: Any, tmp_path: Path) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (70, 100, 3), np.uint8)
    save(rgb, "in/sub/a.png")
    save(rgb[:20, :30], "in/small.png")
    deep = np.random.default_rng(1).integers(0, 65536, (32, 32, 1), np.uint16)
    write_image(Image(deep), tmp_path / "in/deep.png")
    (tmp_path / "in/MANIFEST.csv").write_text("file,licence\nsmall.png,CC0\n")
    counts = tile_folder(tmp_path / "in", tmp_path / "out", side=32)
    assert counts == (3, 6 + 1 + 1)
    names = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")}
    assert names == {
        "MANIFEST.csv",
        "small_0_0.png",
        "deep_0_0.png",
        *(f"sub/a_{top}_{left}.png" for top in (3, 35) for left in (2, 34, 66)),
    }
    tile = read_image(tmp_path / "out/sub/a_35_66.png").pixels
    assert np.array_equal(tile, rgb[35:67, 66:98])
    assert np.array_equal(read_image(tmp_path / "out/small_0_0.png").pixels, rgb[:20, :30])
    assert np.array_equal(read_image(tmp_path / "out/deep_0_0.png").pixels, deep)


def test_pictures_that_differ_by_suffix_only_do_not_overwrite_each_other(
    photos: Any, save: Any, tmp_path: Path
) -> None:
    save(photos["cat"], "in/a.png")
    save(photos["cup"], "in/a.jpg", quality=90)
    tile_folder(tmp_path / "in", tmp_path / "out", side=512)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "a.jpg_0_0.png",
        "a.png_0_0.png",
    ]


def test_what_is_wrong_is_told(photos: Any, save: Any, tmp_path: Path) -> None:
    save(photos["cat"], "in/a.png")
    (tmp_path / "in/b.png").write_bytes(b"no picture")
    with pytest.raises(UsageError, match="--side"):
        tile_folder(tmp_path / "in", tmp_path / "out", side=0)
    with pytest.raises(UsageError, match="is inside"):
        tile_folder(tmp_path / "in", tmp_path / "in/out")
    with pytest.raises(InputError, match=r"1 picture.*--skip-unreadable.*b\.png"):
        tile_folder(tmp_path / "in", tmp_path / "out")
    assert (tmp_path / "out/a_0_0.png").is_file()
    with pytest.raises(OutputError, match="not empty"):
        tile_folder(tmp_path / "in", tmp_path / "out")
    assert tile_folder(tmp_path / "in", tmp_path / "more", skip_unreadable=True) == (1, 1)
