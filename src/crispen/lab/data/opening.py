"""Opens whatever a recipe's ``[data]`` table names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from crispen.lab.data.batches import Batches
from crispen.lab.data.tables import DataTable

if TYPE_CHECKING:
    import torch

    from crispen.progress import Progress


def open_batches(
    table: DataTable,
    *,
    seed: int,
    split: Literal["train", "valid"] = "train",
    rank: int = 0,
    world: int = 1,
    device: torch.device | str = "cpu",
    size: int | None = None,
    scale: int | None = None,
    progress: Progress | None = None,
) -> Batches:
    """The batches that a table describes; everything that can be wrong with it is told here.

    Args:
        table: The recipe's ``[data]``.
        seed: Of the crops; the split has its own.
        split: The pictures to train on, or those held out.
        rank: Which of the processes that train together this is.
        world: How many of those there are.
        device: Where batches go.
        size: Side of the targets that will be asked for; `table.patch` unless given.
        scale: What paired data must have: how many times larger targets are.
        progress: Told while pictures are read or fetched.

    Raises:
        MissingInput: No such folder or file, or nothing in it.
        InputError: Pictures that cannot be read, are too small, or do not fit each other.
        UsageError: The table does not fit the data.
    """
    from crispen.lab.data.sources import open_source

    raise NotImplementedError(table, seed, split, rank, world, device, size, scale, progress)
