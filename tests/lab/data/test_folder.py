"""Folders of pictures: colour, size, and everything that can be wrong with them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from crispen.errors import InputError, MissingInput
from crispen.lab.data import FolderTable, open_batches
from crispen.lab.data.splitting import draw
from crispen.media.image import read_image

Save = Callable[..., Path]


MODES = ("all", "stream")


def table(path: Path, **changes: Any) -> FolderTable:
    return FolderTable(
        **{"path": str(path), "patch": 8, "batch": 4, "color": "rgb", "valid_share": 0} | changes
    )


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


def test_the_classic_patches(save: Save, tmp_path: Path) -> None:
    save("a.png", 200, 150)
    save("b.png", 100, 124)
    batches = open_batches(table(tmp_path, patch=100, stride=25, batch=4), seed=0)
    # By hand: rows 0, 25, 50, 75, 100 by columns 0, 25, 50; and one.
    assert batches.samples == 16
    assert batches.steps_per_epoch == 4


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


def test_the_training_pack_at_hand(shared_data: Path) -> None:
    batches = open_batches(
        FolderTable(path=str(shared_data / "catsdogs"), memory="stream", patch=64), seed=0
    )
    assert len(batches.split["train"]) == 180
    assert len(batches.split["valid"]) == 20
    assert batches.batch(0, 64).target.shape == (16, 1, 64, 64)
    batches.close()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of the files that are opened as pictures, whole or for their header."""
    import crispen.lab.data.sources as sources

    names: set[str] = set()

    def noting(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(file: Path, *rest: Any, **options: Any) -> Any:
            names.add(Path(file).name)
            return function(file, *rest, **options)

        return call

    for name in ("open_image", "read_image"):
        monkeypatch.setattr(sources, name, noting(getattr(sources, name)))
    return names


@pytest.mark.parametrize("memory", MODES)
def test_a_limit_opens_only_what_it_needs(
    tmp_path: Path, save: Save, memory: str, opened: set[str]
) -> None:
    for i in range(20):
        save(f"{i:02d}.png", seed=i)
    limited = open_batches(
        table(tmp_path, memory=memory, limit=5, valid_share=0.4, split_seed=3), seed=0
    )
    used = {*limited.split["train"], *limited.split["valid"]}
    assert opened == used
    assert len(used) == 5
    # The same pictures as are drawn when all of them are known.
    drawn = draw(range(20), share=0.4, seed=3, limit=5)
    assert limited.split["train"] == [f"{i:02d}.png" for i in drawn.train]
    assert limited.split["valid"] == [f"{i:02d}.png" for i in drawn.valid]
    assert "3 pictures to train on" in limited.description
    first = limited.batch(0, 8).target
    limited.close()
    opened.clear()
    whole = open_batches(table(tmp_path, memory=memory, valid_share=0.4, split_seed=3), seed=0)
    assert len(opened) == 20
    assert whole.digest == limited.digest
    whole.close()
    again = open_batches(
        table(tmp_path, memory=memory, limit=5, valid_share=0.4, split_seed=3), seed=0
    )
    assert torch.equal(again.batch(0, 8).target, first)
    again.close()


@pytest.mark.parametrize("memory", MODES)
def test_a_limit_and_a_folder_that_is_held_out(
    tmp_path: Path, save: Save, memory: str, opened: set[str]
) -> None:
    for i in range(8):
        save(f"train/{i}.png", seed=i)
        save(f"valid/v{i}.png", seed=10 + i)
    changes = {"memory": memory, "limit": 2, "valid_path": str(tmp_path / "valid")}
    batches = open_batches(table(tmp_path / "train", **changes), seed=0)
    assert (len(batches.split["train"]), len(batches.split["valid"])) == (2, 8)
    assert len(opened) == 10
    batches.close()


def test_unreadable_pictures_count_in_a_limit(tmp_path: Path, save: Save) -> None:
    for i in range(6):
        save(f"{i}.png", seed=i)
    first, *others = draw(range(6), share=0, seed=0, limit=3).train
    (tmp_path / f"{first}.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=f"1 picture.*{first}.png"):
        open_batches(table(tmp_path, limit=3), seed=0)
    batches = open_batches(table(tmp_path, limit=3, skip_unreadable=True), seed=0)
    assert batches.split["train"] == [f"{i}.png" for i in others]
    assert "1 unreadable left out" in batches.description
    batches.close()
    # One that is not drawn is not noticed.
    (tmp_path / f"{first}.png").unlink()
    save(f"{first}.png")
    spare = next(i for i in range(6) if i not in (first, *others))
    (tmp_path / f"{spare}.png").write_bytes(b"no picture")
    open_batches(table(tmp_path, limit=3), seed=0).close()
