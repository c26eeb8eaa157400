"""Where pictures come from, and which are held out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from crispen.errors import InputError, UsageError
from crispen.lab.data import FolderTable, open_batches
from crispen.media.image import read_image

Save = Callable[..., Path]


def table(path: Path, **changes: Any) -> FolderTable:
    return FolderTable(
        **{"path": str(path), "patch": 8, "batch": 4, "color": "rgb", "valid_share": 0} | changes
    )


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


def test_held_out_pictures_that_are_too_small_are_told(save: Save, tmp_path: Path) -> None:
    save("train/a.png", 20, 20)
    save("valid/b.png", 20, 7)
    batches = open_batches(table(tmp_path / "train", valid_path=str(tmp_path / "valid")), seed=0)
    with pytest.raises(InputError, match="none of the 1 held-out pictures is as large as a crop"):
        batches.fixed(1, 8)
