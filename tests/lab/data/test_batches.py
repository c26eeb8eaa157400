"""Batches of an epoch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from crispen.lab.data import FolderTable, batches_of, open_batches

Save = Callable[..., Path]


def table(path: Path, **changes: Any) -> FolderTable:
    return FolderTable(
        **{"path": str(path), "patch": 8, "batch": 4, "color": "rgb", "valid_share": 0} | changes
    )


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
