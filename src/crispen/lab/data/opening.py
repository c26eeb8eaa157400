"""Opens whatever a recipe's ``[data]`` table names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from crispen.lab.data.batches import Batches
from crispen.lab.data.tables import DataTable, FolderTable

if TYPE_CHECKING:
    import torch

    from crispen.lab.data.sources import Bytes
    from crispen.progress import Progress

Part = Literal["train", "valid"]


def open_batches(
    table: DataTable,
    *,
    seed: int,
    split: Part = "train",
    rank: int = 0,
    world: int = 1,
    device: torch.device | str = "cpu",
    size: int | None = None,
    scale: int | None = None,
    progress: Progress | None = None,
) -> Batches:
    """The batches that a table describes; everything that can be wrong with it is reported here.

    Args:
        table: The recipe's ``[data]``.
        seed: Of the crops; the split has its own.
        split: The pictures to train on, or those held out.
        rank: Which of the processes that train together this is.
        world: How many of those there are.
        device: Where batches go.
        size: Side of the targets that will be asked for; what `table.patch` makes unless given.
        scale: What paired data must have: how many times larger targets are.
        progress: Receives events while pictures are read or fetched.

    Raises:
        MissingInput: No such folder or file.
        InputError: Nothing in it, or pictures that cannot be read, are too small, or do not fit
            each other.
        UsageError: The table does not fit the data.
    """
    import torch

    from crispen.lab.data.pictures import PictureBatches

    material = table.material(scale, progress)
    return PictureBatches(
        material,
        table,
        seed=seed,
        split=split,
        rank=rank,
        world=world,
        device=torch.device(device),
        size=size or table.patch * (material.scale or 1),
        progress=progress,
    )


def batches_of(
    pictures: Sequence[Bytes],
    table: DataTable | None = None,
    *,
    seed: int = 0,
    split: Part = "train",
    device: torch.device | str = "cpu",
    size: int | None = None,
) -> Batches:
    """Batches of pictures that are in memory already, for tests and notebooks.

    Args:
        pictures: ``(height, width, channels)`` bytes each, in the colour that `table` names.
        table: All but where the pictures come from; the defaults unless given.
        seed: Of the crops.
        split: The pictures to train on, or those held out.
        device: Where batches go.
        size: Side of the targets; `table.patch` unless given.
    """
    import torch

    from crispen.lab.data.material import Material
    from crispen.lab.data.pictures import PictureBatches
    from crispen.lab.data.sources import ArraySource, array_digest

    table = table or FolderTable()
    return PictureBatches(
        Material("pictures", ArraySource(pictures), array_digest(pictures), "not stated"),
        table,
        seed=seed,
        split=split,
        rank=0,
        world=1,
        device=torch.device(device),
        size=size or table.patch,
        progress=None,
    )
