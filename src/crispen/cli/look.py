"""``crispen look``: what is wrong with pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crispen.cli.console import Json, print_error, print_json, print_table

if TYPE_CHECKING:
    from crispen.look import Look

_FORMATS = {"jpeg": "JPEG", "webp": "WebP"}
_COLUMNS = ("picture", "size", "kind", "quality", "noise", "levels", "found")


def look(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Pictures.", show_default=False)
    ],
    json: Json = False,
) -> int:
    """Measure what is wrong with pictures: compression, noise, exposure."""
    from rich.table import Table

    from crispen.errors import CrispenError
    from crispen.look import look as look_at

    table = Table(*_COLUMNS)
    found, failed = [], False
    for file in files:
        try:
            seen = look_at(file)
        except CrispenError as error:
            failed = True
            print_error(str(error), as_json=json)
            continue
        table.add_row(str(file), *_cells(seen))
        found.append({"input": str(file), **seen.as_dict()})
    if json:
        print_json(found)
    elif found:
        print_table(table)
    return 1 if failed else 0


def _cells(seen: Look) -> tuple[str, ...]:
    file, light = seen.compression, seen.exposure
    return (
        f"{seen.width}x{seen.height}",
        seen.kind,
        f"{_FORMATS[file.format]} {file.quality}, {file.subsampling}" if file else "",
        f"{seen.noise:.1f}",
        f"{light.low:.0f} to {light.high:.0f}",
        ", ".join(seen.faults) or "nothing",
    )
