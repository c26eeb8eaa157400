"""Folders of pictures: colour, size, and everything that can be wrong with them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from skimage.color import rgb2ycbcr, rgb2yuv

from crispen.errors import InputError, MissingInput, UsageError
from crispen.lab.data import DataTable, FolderTable, batches_of, open_batches
from crispen.lab.data.sources import square, to_color
from crispen.media.image import Image, read_image, write_image

Save = Callable[..., Path]
MODES = ("all", "stream")


def table(path: Path, **changes: Any) -> FolderTable:
    return FolderTable(
        **{"path": str(path), "patch": 8, "batch": 4, "color": "rgb", "valid_share": 0} | changes
    )


def test_colour_is_that_of_other_libraries() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    # scikit-image follows MATLAB for YCbCr; its YUV is in [0, 1].
    luma = rgb2ycbcr(rgb)[..., 0]
    np.testing.assert_allclose(to_color(rgb, "luma")[..., 0], luma, atol=0.51)
    yuv = rgb2yuv(rgb)[..., 0] * 255
    np.testing.assert_allclose(to_color(rgb, "yuv")[..., 0], yuv, atol=0.51)
    assert to_color(rgb, "rgb") is rgb


def test_a_square_is_the_middle() -> None:
    rgb = np.arange(6 * 9 * 3, dtype=np.uint8).reshape(6, 9, 3)
    np.testing.assert_array_equal(square(rgb, 4), rgb[1:5, 2:6])
    np.testing.assert_array_equal(square(rgb, 6), rgb[:, 1:7])


def test_a_small_picture_is_enlarged_before_its_middle_is_cut_out() -> None:
    rgb = np.zeros((45, 60, 3), np.uint8)
    rgb[10:30, 20:40] = 200
    keys = PIL.Image.fromarray(rgb).resize((120, 90), PIL.Image.Resampling.BICUBIC)
    np.testing.assert_allclose(square(rgb, 90).astype(int), np.asarray(keys)[:, 15:105], atol=1)


@pytest.mark.parametrize("side", [360, 359])
@pytest.mark.parametrize("size", [(100, 333), (361, 500), (360, 360), (1, 7)])
def test_every_picture_can_become_a_square(side: int, size: tuple[int, int]) -> None:
    assert square(np.zeros((*size, 3), np.uint8), side).shape == (side, side, 3)


@pytest.mark.parametrize("memory", MODES)
def test_a_folder_and_its_sub_folders(tmp_path: Path, save: Save, memory: str) -> None:
    files = [save("a.png"), save("deep/er/b.png", 15, 12), save("deep/c.webp", 9, 9)]
    save(".hidden.png")
    (tmp_path / "notes.txt").write_text("no picture")
    batches = open_batches(table(tmp_path, memory=memory, symmetries=False), seed=0)
    assert batches.split == {
        "seed": 0,
        "train": ["a.png", "deep/c.webp", "deep/er/b.png"],
        "valid": [],
    }
    whole = [read_image(f).pixels for f in files]
    for step in range(3):
        batch = batches.batch(step, 8)
        assert batch.input is None
        assert batch.target.shape == (4, 3, 8, 8)
        assert batch.target.dtype == torch.uint8
        for crop in batch.target.numpy().transpose(0, 2, 3, 1):
            windows = [np.lib.stride_tricks.sliding_window_view(p, (8, 8, 3)) for p in whole]
            assert any((w == crop).all(axis=(3, 4, 5)).any() for w in windows)
    batches.close()


@pytest.mark.parametrize("stride", [0, 5])
@pytest.mark.parametrize("cache_mb", [1, 1024])
def test_memory_changes_no_result(save: Save, tmp_path: Path, stride: int, cache_mb: int) -> None:
    for i in range(12):
        save(f"{i}.png", 200 + i, 260)  # 1.9 MB in all: four windows of half a megabyte
    modes = [
        open_batches(table(tmp_path, memory=m, stride=stride, cache_mb=cache_mb), seed=5)
        for m in MODES
    ]
    for step in (0, 1, 900, 2, 10**6):
        first, second = (b.batch(step, 8).target for b in modes)
        assert torch.equal(first, second)
    assert torch.equal(modes[0].fixed(5, 20).target, modes[1].fixed(5, 20).target)
    for batches in modes:
        batches.close()


def test_resize(save: Save, tmp_path: Path) -> None:
    save("large.png", 50, 70)
    save("small.png", 20, 30)
    batches = open_batches(table(tmp_path, resize=40, patch=40, stride=40), seed=0)
    assert batches.samples == 2
    assert batches.batch(0, 40).target.shape == (4, 3, 40, 40)


def test_the_classic_patches(save: Save, tmp_path: Path) -> None:
    save("a.png", 200, 150)
    save("b.png", 100, 124)
    batches = open_batches(table(tmp_path, patch=100, stride=25, batch=4), seed=0)
    # By hand: rows 0, 25, 50, 75, 100 by columns 0, 25, 50; and one.
    assert batches.samples == 16
    assert batches.steps_per_epoch == 4


def test_the_length_of_an_epoch() -> None:
    picture = np.zeros((64, 64, 1), np.uint8)
    plain = {"patch": 8, "batch": 4, "valid_share": 0}
    assert batches_of([picture], FolderTable(**plain)).samples == 64
    batches = batches_of([picture], FolderTable(**plain, epoch=10))
    assert (batches.samples, batches.steps_per_epoch) == (10, 3)
    batches = batches_of([picture], FolderTable(**plain | {"batch": 1000}))
    assert batches.steps_per_epoch == 1
    assert batches.batch(3, 8).target.shape == (1000, 1, 8, 8)


def test_ranks_share_an_epoch(save: Save, tmp_path: Path) -> None:
    save("a.png", 64, 64)
    ranks = [open_batches(table(tmp_path, stride=8), seed=0, rank=r, world=2) for r in (0, 1)]
    assert [b.steps_per_epoch for b in ranks] == [64 // 8] * 2
    assert not torch.equal(ranks[0].batch(0, 8).target, ranks[1].batch(0, 8).target)


def test_held_out_pictures_are_not_trained_on(save: Save, tmp_path: Path) -> None:
    for i in range(10):
        save(f"{i}.png", 8, 8, seed=i)
    parts = {
        part: open_batches(table(tmp_path, valid_share=0.3, batch=64), seed=0, split=part)
        for part in ("train", "valid")
    }
    split = parts["train"].split
    assert split == parts["valid"].split
    assert len(split["valid"]) == 3
    assert sorted(split["train"] + split["valid"]) == [f"{i}.png" for i in range(10)]
    sums = {f"{i}.png": int(read_image(tmp_path / f"{i}.png").pixels.sum()) for i in range(10)}
    for part, batches in parts.items():
        seen = batches.batch(0, 8).target.sum(dim=(1, 2, 3)).tolist()
        assert set(seen) == {sums[name] for name in split[part]}
    # Both give the same fixed pictures, all of them held out.
    fixed = [b.fixed(3, 8).target for b in parts.values()]
    assert torch.equal(*fixed)
    found = fixed[0].sum(dim=(1, 2, 3)).tolist()
    assert sorted(found) == sorted(sums[name] for name in split["valid"])


def test_a_folder_of_held_out_pictures(save: Save, tmp_path: Path) -> None:
    save("train/a.png")
    held = save("valid/b.png")
    batches = open_batches(
        table(tmp_path / "train", valid_path=str(tmp_path / "valid"), valid_share=0.5), seed=0
    )
    assert batches.split["valid"] == [held.as_posix()]
    assert batches.split["seed"] is None
    alone = open_batches(table(tmp_path / "train"), seed=0)
    assert batches.digest == alone.digest


def test_validation_without_held_out_pictures(save: Save, tmp_path: Path) -> None:
    save("a.png")
    with pytest.raises(UsageError, match=r"set data\.valid_share"):
        open_batches(table(tmp_path), seed=0, split="valid")
    # A sample sheet shows training pictures then.
    assert open_batches(table(tmp_path), seed=0).fixed(2, 8).target.shape == (2, 3, 8, 8)


def test_a_manifest_names_the_set_and_its_licences(save: Save, tmp_path: Path) -> None:
    save("a.png")
    without = open_batches(table(tmp_path), seed=0)
    listing = f"a.png {(tmp_path / 'a.png').stat().st_size}"
    assert without.digest == hashlib.sha256(listing.encode()).hexdigest()
    assert without.licence == "not stated"
    text = "file,licence\na.png,CC0 1.0\nb.png,CC BY 4.0\nc.png,CC BY 4.0\n"
    (tmp_path / "MANIFEST.csv").write_text(text)
    with_manifest = open_batches(table(tmp_path), seed=0)
    assert with_manifest.digest == hashlib.sha256(text.encode()).hexdigest()
    assert with_manifest.licence == "CC BY 4.0, CC0 1.0"
    assert open_batches(table(tmp_path, licence="mine"), seed=0).licence == "mine"


@pytest.mark.parametrize("memory", MODES)
def test_unreadable_pictures_are_named_or_left_out(save: Save, tmp_path: Path, memory: str) -> None:
    good = save("a.png")
    (tmp_path / "cut.png").write_bytes(good.read_bytes()[:-200])
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.webp").write_text("<html>")
    # The second time, a stream remembers what it found.
    for _ in range(2):
        with pytest.raises(InputError, match="3 picture") as told:
            open_batches(table(tmp_path, memory=memory), seed=0)
        assert all(name in str(told.value) for name in ("cut.png", "empty.jpg", "text.webp"))
        assert "data.skip_unreadable = true" in str(told.value)
        assert "\n" not in str(told.value)
    batches = open_batches(table(tmp_path, memory=memory, skip_unreadable=True), seed=0)
    assert batches.split["train"] == ["a.png"]
    assert "3 unreadable left out" in batches.description
    assert batches.batch(0, 8).target.any(dim=(1, 2, 3)).all()
    batches.close()


def test_a_mended_picture_is_looked_at_anew(save: Save, tmp_path: Path) -> None:
    good = save("a.png").read_bytes()
    (tmp_path / "b.png").write_bytes(good[:-200])
    with pytest.raises(InputError, match=r"b\.png"):
        open_batches(table(tmp_path, memory="stream"), seed=0)
    (tmp_path / "b.png").write_bytes(good)
    batches = open_batches(table(tmp_path, memory="stream"), seed=0)
    assert batches.split["train"] == ["a.png", "b.png"]
    batches.close()


def test_small_pictures_are_left_out_and_told(save: Save, tmp_path: Path) -> None:
    save("a.png", 20, 20)
    save("b.png", 20, 7)
    batches = open_batches(table(tmp_path), seed=0)
    assert "1 picture to train on" in batches.description
    assert "1 smaller than 8 px left out" in batches.description


def test_what_is_wrong_with_a_folder_is_told(save: Save, tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="no such folder"):
        open_batches(table(tmp_path / "nowhere"), seed=0)
    with pytest.raises(InputError, match="no pictures in it"):
        open_batches(table(tmp_path), seed=0)
    save("a.png", 20, 30)
    with pytest.raises(InputError, match=r"smaller than a crop of 21x21 px \(the largest is 30x20"):
        open_batches(table(tmp_path, patch=21), seed=0)
    batches = open_batches(table(tmp_path), seed=0)
    with pytest.raises(InputError, match="smaller than a crop"):
        batches.batch(0, 40)


def test_held_out_pictures_that_are_too_small_are_told(save: Save, tmp_path: Path) -> None:
    save("train/a.png", 20, 20)
    save("valid/b.png", 20, 7)
    batches = open_batches(table(tmp_path / "train", valid_path=str(tmp_path / "valid")), seed=0)
    with pytest.raises(InputError, match="none of the 1 held-out pictures is as large as a crop"):
        batches.fixed(1, 8)


@pytest.mark.parametrize(
    "wrong",
    [
        {"pach": 8},
        {"patch": 0},
        {"batch": 0},
        {"valid_share": 1.0},
        {"color": "cmyk"},
        {"kind": "folders"},
        {"kind": "pairs", "resize": 9},
        {"kind": "cifar10", "patch": 33},
        {"kind": "named", "name": "imagenet"},
        {"kind": "pack"},
    ],
)
def test_tables_are_strict(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(DataTable).validate_python(wrong)


def test_a_folder_is_the_default() -> None:
    assert isinstance(TypeAdapter(DataTable).validate_python({}), FolderTable)


def test_sixteen_bit_grey_and_alpha_are_read_as_eight_bit_colour(tmp_path: Path) -> None:
    grey = np.full((9, 9, 1), 128 * 257, np.uint16)
    write_image(Image(grey), tmp_path / "a.png")
    batches = open_batches(table(tmp_path), seed=0)
    assert (batches.batch(0, 8).target == 128).all()


def test_the_training_pack_at_hand(shared_data: Path) -> None:
    batches = open_batches(
        FolderTable(path=str(shared_data / "catsdogs"), memory="stream", patch=64), seed=0
    )
    assert len(batches.split["train"]) == 180
    assert len(batches.split["valid"]) == 20
    assert batches.batch(0, 64).target.shape == (16, 1, 64, 64)
    batches.close()
