"""Pairs of pictures: the network's input and its target."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from crispen.errors import InputError, MissingInput, UsageError
from crispen.lab.data.folder import files_in, manifest_licence
from crispen.lab.data.material import Material
from crispen.lab.data.sources import EnlargedSource, Failures, FileSource, Source
from crispen.lab.data.splitting import left_out
from crispen.lab.data.tables import PairsTable
from crispen.progress import Progress

COLUMNS = (("input", "target"), ("low_res", "high_res"))
"""Column names of a CSV file; the second pair comes from a public set."""

Pair = tuple[Path, Path]
_SHOWN = 4


def _told(problems: Sequence[str]) -> str:
    more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
    return "; ".join(problems[:_SHOWN]) + more


def _key(file: Path, folder: Path) -> str:
    return file.relative_to(folder).with_suffix("").as_posix()


def pairs_by_name(inputs: Path, targets: Path) -> list[Pair]:
    """Pictures of two folders with equal names, ignoring suffixes.

    An input may add its scale to the name, as ``0001x2.png`` does to ``0001.png``.

    Raises:
        MissingInput: No such folder, or pictures without a partner.
        InputError: A folder is empty.
    """
    by_name = {_key(f, targets): f for f in files_in(targets)}
    found: list[Pair] = []
    lonely = []
    for file in files_in(inputs):
        key = _key(file, inputs)
        key = key if key in by_name else re.sub(r"x\d+$", "", key)
        if key in by_name:
            found.append((file, by_name[key]))
        else:
            lonely.append(f"{file} has no target")
    paired = {target for _, target in found}
    lonely += [f"{f} has no input" for f in by_name.values() if f not in paired]
    if lonely:
        raise MissingInput(
            f"{len(lonely)} picture(s) have no partner of equal name in {inputs} and {targets}: "
            f"{_told(lonely)}; add or remove them"
        )
    return found


def pairs_in_csv(file: Path, inputs: Path | None, targets: Path | None) -> list[Pair]:
    """The pairs that a CSV file lists.

    Args:
        file: Has the columns ``input`` and ``target`` (or ``low_res`` and ``high_res``).
        inputs: Folder of the first column's names; the CSV file's folder unless given.
        targets: The same for the second column.

    Raises:
        MissingInput: No such file, or pictures that it lists are not there.
        InputError: It is not such a file.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            rows = list(reader)
            heads = reader.fieldnames or ()
    except FileNotFoundError:
        raise MissingInput(f"{file}: no such file; give the list of pairs as data.csv") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file}: cannot be read as CSV ({error}); save it as UTF-8") from error
    columns = next((c for c in COLUMNS if set(c) <= set(heads)), None)
    if columns is None:
        raise InputError(
            f"{file}: expected the columns input and target, found {', '.join(heads) or 'none'}; "
            "name them so in its first line"
        )
    folders = (inputs or file.parent, targets or file.parent)
    found, missing = [], []
    for number, row in enumerate(rows, start=2):
        values = [(row[c] or "").strip() for c in columns]
        for head, value, folder in zip(columns, values, folders, strict=True):
            if not value or not (folder / value).is_file():
                missing.append(f"line {number}: {head} {folder / value if value else 'is empty'}")
        found.append((folders[0] / values[0], folders[1] / values[1]))
    if missing:
        raise MissingInput(
            f"{file}: {len(missing)} picture(s) are not there: {_told(missing)}; add them or "
            "remove those lines"
        )
    if not found:
        raise InputError(f"{file}: lists no pairs; write one a line")
    return found


def _scale_of(inputs: Source, targets: Source, usable: Sequence[int]) -> int:
    """How many times larger the targets are; the most frequent value wins."""
    ratios = targets.sizes[usable] / np.maximum(inputs.sizes[usable], 1)
    whole = np.floor(ratios.min(axis=1) + 0.5).astype(int)
    values, counts = np.unique(whole, return_counts=True)
    return max(1, int(values[counts.argmax()]))


def _check_sizes(
    inputs: Source, targets: Source, usable: Sequence[int], scale: int, *, enlarge: bool
) -> None:
    problems = []
    for i in usable:
        (height, width), (tall, wide) = inputs.sizes[i].tolist(), targets.sizes[i].tolist()
        if enlarge:
            # The same picture, except that the input's sides are rounded to whole pixels.
            fits = abs(tall * width - wide * height) <= max(tall, wide)
            fits = fits and tall >= height and wide >= width
            wanted = "the same proportions, no larger"
        else:
            fits = (tall // scale, wide // scale) == (height, width)
            wanted = f"{wide // scale}x{tall // scale}"
        if not fits:
            problems.append(
                f"{inputs.names[i]} is {width}x{height}, expected {wanted} for {targets.names[i]} "
                f"({wide}x{tall})"
            )
    if problems:
        how = "repair or remove them" + ("" if enlarge else ", or set data.enlarge = true")
        what = "of the same picture" if enlarge else f"of one scale (x{scale})"
        raise InputError(f"{len(problems)} pair(s) are not {what}: {_told(problems)}; {how}")


def pairs_material(table: PairsTable, scale: int | None, progress: Progress | None) -> Material:
    """The pairs of a table; `scale` is what the recipe expects.

    Raises:
        UsageError: Neither folders nor a CSV file, or a scale other than the recipe's.
        InputError: Pairs of mixed sizes.
        MissingInput: Folders, files or partners that are not there.
    """
    inputs = Path(table.input) if table.input else None
    targets = Path(table.target) if table.target else None
    if table.csv:
        found = pairs_in_csv(Path(table.csv), inputs, targets)
    elif inputs and targets:
        found = pairs_by_name(inputs, targets)
    else:
        raise UsageError("pairs: give the folders data.input and data.target, or a list, data.csv")
    order = {target: i for i, target in enumerate(dict.fromkeys(t for _, t in found))}
    groups = [order[target] for _, target in found]
    failures = Failures(left_out=left_out(len(found), table.limit, table.split_seed, groups))
    sides = [
        FileSource(
            [pair[side] for pair in found],
            [pair[side].as_posix() for pair in found],
            table.color,
            workers=table.workers,
            failures=failures,
            progress=progress,
        )
        for side in (0, 1)
    ]
    small: Source = sides[0]
    large = sides[1]
    name = table.csv or f"{table.input} and {table.target}"
    failures.refuse(name, skip=table.skip_unreadable)
    usable = failures.others(len(found))
    own = 1 if table.enlarge or not usable else _scale_of(small, large, usable)
    if scale is not None and own != scale:
        raise UsageError(
            f"{name}: targets are {own} times as large as inputs, and the recipe's scale is "
            f"{scale}; set scale = {own}"
        )
    _check_sizes(small, large, usable, own, enlarge=table.enlarge)
    if table.enlarge:
        small = EnlargedSource(sides[0], large.sizes)
    listing = "\n".join(
        f"{a.name} {a.stat().st_size} {b.name} {b.stat().st_size}" for a, b in found
    )
    return Material(
        name=name,
        target=large,
        input=small,
        scale=own,
        digest=hashlib.sha256(listing.encode()).hexdigest(),
        licence=(manifest_licence(targets) if targets else "") or "not stated",
        groups=groups,
        failures=failures,
    )
