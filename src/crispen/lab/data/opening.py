"""Opens the data that a recipe's ``[data]`` table names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from crispen.errors import UsageError
from crispen.lab.data.batches import Batches
from crispen.lab.data.tables import (
    CifarTable,
    DataTable,
    FolderTable,
    NamedTable,
    PackTable,
    PairsTable,
    ToyTable,
    VideoTable,
)

if TYPE_CHECKING:
    import torch

    from crispen.lab.data.material import Material
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
    """The batches that a table describes; all its errors are reported here.

    Args:
        table: The recipe's ``[data]``.
        seed: Seed of the crops; the split has its own.
        split: The pictures to train on, or those held out.
        rank: Index of this process among those that train together.
        world: Number of those processes.
        device: Device of the batches.
        size: Side of the targets that will be requested; follows `table.patch` unless given.
        scale: Required scale of paired data: how many times larger targets are.
        progress: Receives events while pictures are read or downloaded.

    Raises:
        MissingInput: No such folder or file.
        InputError: It is empty, or its pictures are unreadable, too small, or do not fit each
            other.
        UsageError: The table does not fit the data.
    """
    import torch

    from crispen.lab.data.pictures import PictureBatches

    material = _material(table, scale, progress)
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
        pictures: ``(height, width, channels)`` bytes each, in the colour named by `table`.
        table: Everything except the pictures' origin; the defaults unless given.
        seed: Seed of the crops.
        split: The pictures to train on, or those held out.
        device: Device of the batches.
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


def _material(table: DataTable, scale: int | None, progress: Progress | None) -> Material:
    match table:
        case FolderTable():
            from crispen.lab.data.folder import folder_material

            held_out = [Path(table.valid_path)] if table.valid_path else []
            return folder_material(
                [Path(table.path)],
                held_out,
                table.color,
                side=table.resize,
                shortest=table.shortest,
                workers=table.workers,
                limit=table.limit,
                split_seed=table.split_seed,
                progress=progress,
            )
        case PairsTable():
            from crispen.lab.data.pairs import pairs_material

            return pairs_material(table, scale, progress)
        case PackTable():
            from crispen.lab.data.packs import pack_material

            return pack_material(table)
        case CifarTable():
            from crispen.lab.data.cifar import cifar_material
            from crispen.lab.data.fetching import fetch

            return cifar_material(
                table, Path(table.path) if table.path else fetch("cifar10", progress=progress)
            )
        case ToyTable():
            from crispen.lab.data.toy import toy_material

            return toy_material(table)
        case NamedTable():
            from crispen.lab.data.named import named_material

            return named_material(table, scale, progress)
        case VideoTable():
            from crispen.lab.data.clips import clip_material

            return clip_material(table, progress)
        case _:
            return _plugged(table, scale, progress)


def _plugged(table: DataTable, scale: int | None, progress: Progress | None) -> Material:
    from crispen.lab.data.material import Material

    made = table.material(scale, progress)
    if not isinstance(made, Material):
        raise UsageError(
            f"data.kind {table.kind}: its method material returns {type(made).__name__}, not a "
            "crispen.lab.data.material.Material"
        )
    return made
