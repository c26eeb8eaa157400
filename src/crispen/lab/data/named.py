"""Public sets by name: downloaded, then read as folders or pairs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from crispen.errors import InputError, UsageError
from crispen.lab.data.catalogue import SETS
from crispen.lab.data.fetching import fetch
from crispen.lab.data.folder import folder_material
from crispen.lab.data.material import Material
from crispen.lab.data.pairs import pairs_material
from crispen.lab.data.tables import NamedTable, PairsTable
from crispen.progress import Progress


def named_material(table: NamedTable, scale: int | None, progress: Progress | None) -> Material:
    """The pictures of a public set, downloaded unless present.

    Raises:
        MissingInput: Its host requires an account, and it is not present.
        InputError: It cannot be downloaded, or is incomplete.
        UsageError: It is not a set of single pictures or pairs.
    """
    public = SETS[table.name]
    if not public.train and public.pairs is None:
        raise UsageError(f'data.name: {table.name} has a kind of its own; set kind = "cifar10"')
    folder = fetch(table.name, progress=progress)
    if public.pairs is not None:
        listed, inputs, targets = (str(_inside(folder, part)) for part in public.pairs)
        # The keys that both tables share are equal; the pairs differ in size, by up to six.
        shared = {
            k: v
            for k, v in table.model_dump().items()
            if k not in ("kind", "name", "resize", "shortest")
        }
        pairs = PairsTable(csv=listed, input=inputs, target=targets, enlarge=True, **shared)
        material = pairs_material(pairs, scale, progress)
    else:
        material = folder_material(
            [_inside(folder, part) for part in public.train],
            [_inside(folder, part) for part in public.held_out],
            table.color,
            side=table.resize,
            shortest=table.shortest,
            workers=table.workers,
            limit=table.limit,
            split_seed=table.split_seed,
            progress=progress,
        )
    return replace(material, name=table.name, licence=public.licence)


def _inside(folder: Path, part: str) -> Path:
    """A file or folder of a set, whose outermost folder may be missing if unpacked by hand."""
    for path in (folder / part, folder / part.partition("/")[2]):
        if path.exists():
            return path
    raise InputError(f"{folder}: {part} is missing in it; remove the folder and fetch it again")
