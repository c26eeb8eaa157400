"""``crispen data look``, ``filter``, ``tile`` and ``leaks``: a set of pictures before training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from crispen.cli.console import Json, Overwrite, print_error, print_json, print_table, progress
from crispen.errors import UsageError

Folder = Annotated[
    Path, typer.Argument(help="Folder of pictures, with its subfolders.", show_default=False)
]
Workers = Annotated[int, typer.Option("--workers", min=1, help="Threads that read pictures.")]
SkipUnreadable = Annotated[
    bool, typer.Option("--skip-unreadable", help="Skip unreadable pictures instead of stopping.")
]


def look(folder: Folder, workers: Workers = 2, json: Json = False) -> int:
    """Show what a set of pictures is like: sizes, formats, damage, blur, duplicates.

    JPEG quality is read from the files; damage, blur and noise are measured in the pixels.
    Duplicates are files equal to the byte, and pictures that are alike: scaled or compressed again.
    """
    from crispen.lab.curation.datasheet import make_datasheet
    from crispen.lab.curation.surveying import survey

    with progress(json) as work:
        sheet = make_datasheet(*survey(folder, workers=workers, progress=work))
    _complain(sheet.unreadable, json)
    if json:
        print_json(sheet.facts())
    else:
        from rich.table import Table

        table = Table("what", str(folder))
        for name, text in sheet.rows():
            table.add_row(name, text)
        print_table(table)
        for group in sheet.duplicates:
            word = "equal" if group.exact else "alike"
            typer.echo(f"{word}: {', '.join(str(f.relative_to(folder)) for f in group.files)}")
    return 1 if sheet.unreadable else 0


def filter(
    folder: Folder,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="A .txt file for the list, or a new folder for copies; without it the list is "
            "printed.",
            show_default=False,
        ),
    ] = None,
    min_side: Annotated[
        int, typer.Option("--min-side", min=0, help="Shorter side in pixels, at least.")
    ] = 0,
    max_blur: Annotated[
        float | None,
        typer.Option(
            "--max-blur",
            min=0.0,
            help="Blur in pixels (standard deviation), at most; 0.6 is visible.",
            show_default=False,
        ),
    ] = None,
    min_quality: Annotated[
        int,
        typer.Option(
            "--min-quality",
            min=0,
            max=100,
            help="Damage as of a JPEG of this quality, at most: by the file's own tables, and as "
            "measured in the pixels.",
        ),
    ] = 0,
    max_noise: Annotated[
        float | None,
        typer.Option(
            "--max-noise",
            min=0.0,
            help="Noise in levels of 255 (standard deviation), at most.",
            show_default=False,
        ),
    ] = None,
    duplicates: Annotated[
        bool,
        typer.Option(
            "--duplicates/--no-duplicates",
            help="Keep pictures that occur more than once, or the largest of each only.",
        ),
    ] = True,
    workers: Workers = 2,
    overwrite: Overwrite = False,
    json: Json = False,
) -> int:
    """Leave out pictures that are too small, blurred, damaged or noisy, or occur twice.

    Pictures that cannot be read are left out too. Originals stay as they are; a folder of copies
    gets the MANIFEST.csv as well.
    """
    from crispen.lab.curation.filtering import Limits, choose, copy_files, write_list
    from crispen.lab.curation.surveying import survey
    from crispen.media.atomic import check_target

    listing = output is not None and output.suffix == ".txt"
    if output is not None and listing:
        check_target(output, overwrite=overwrite)
    limits = Limits(min_side, max_blur, min_quality, max_noise, duplicates)
    if limits == Limits():
        raise UsageError(
            "nothing to filter by; give --min-side, --max-blur, --min-quality, --max-noise or "
            "--no-duplicates"
        )
    with progress(json) as work:
        pictures, unreadable = survey(folder, workers=workers, progress=work)
        chosen = choose(pictures, limits)
        if output is not None and listing:
            write_list(chosen.kept, output, overwrite=overwrite)
        elif output is not None:
            copy_files(chosen.kept, folder, output, work)
    _complain(unreadable, json)
    if json:
        print_json(
            {
                "kept": [str(file) for file in chosen.kept],
                "left_out": {str(file): why for file, why in sorted(chosen.left_out.items())},
                "unreadable": unreadable,
                "output": None if output is None else str(output),
            }
        )
    else:
        for file, why in sorted(chosen.left_out.items()):
            typer.echo(f"left out: {file}: {why}", err=True)
        counts = f"{len(chosen.kept):,} of {len(pictures) + len(unreadable):,} pictures"
        if output is None:
            for file in chosen.kept:
                typer.echo(str(file))
            typer.echo(f"kept {counts}", err=True)
        else:
            typer.echo(f"{'listed' if listing else 'copied'} {counts} in {output}")
    return 1 if unreadable else 0


def tile(
    folder: Folder,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="A new folder for the tiles.", show_default=False),
    ],
    side: Annotated[int, typer.Option("--side", min=16, help="Side of a tile in pixels.")] = 512,
    stride: Annotated[
        int, typer.Option("--stride", min=0, help="Distance of the tiles; 0: side by side.")
    ] = 0,
    skip_unreadable: SkipUnreadable = False,
    workers: Workers = 2,
    json: Json = False,
) -> None:
    """Cut large pictures into tiles, without loss, so that training reads only what it crops from.

    Tiles are PNGs called NAME_TOP_LEFT.png. What is left over is cut off at both ends alike; a
    picture smaller than a tile is one tile.
    """
    from crispen.lab.curation.tiles import tile_folder

    with progress(json) as work:
        pictures, tiles = tile_folder(
            folder,
            output,
            side=side,
            stride=stride,
            skip_unreadable=skip_unreadable,
            workers=workers,
            progress=work,
        )
    if json:
        print_json({"output": str(output), "pictures": pictures, "tiles": tiles})
        return
    typer.echo(f"cut {pictures:,} pictures into {tiles:,} tiles in {output}")


def leaks(
    folders: Annotated[
        list[str],
        typer.Argument(
            metavar="FOLDER…",
            help="Training pictures: folders with their subfolders, files, and addresses as of "
            "'crispen enhance'.",
            show_default=False,
        ),
    ],
    against: Annotated[
        list[str] | None,
        typer.Option(
            "--against",
            metavar="FOLDER",
            help="Test pictures: the same, or a name such as Set5, searched for as by 'crispen "
            "evaluate'; can be repeated. By default all usual test sets on this machine.",
            show_default=False,
        ),
    ] = None,
    skip_unreadable: SkipUnreadable = False,
    workers: Workers = 2,
    json: Json = False,
) -> int:
    """Find training pictures that are test pictures, are parts of them, or contain parts of them.

    Scaled, compressed again, cropped to 0.4 or more of the shorter side, and mirrored ones are
    found, by perceptual hashes and then by correlation. Of a test set with a folder HR that is
    used. The exit code is 1 if there are any.
    """
    from crispen.lab.curation.leaks import find_leaks
    from crispen.lab.curation.places import known_tests

    tests = against or known_tests()
    with progress(json) as work:
        found = find_leaks(
            folders, tests, skip_unreadable=skip_unreadable, workers=workers, progress=work
        )
    if json:
        print_json([leak.facts() for leak in found.leaks])
        return 1 if found.leaks else 0
    if found.leaks:
        from rich.table import Table

        words = {
            "same": "is",
            "part": "is a part of",
            "contains": "contains",
            "overlaps": "overlaps",
        }
        table = Table("picture", "", "test picture", "correlation")
        for leak in found.leaks:
            how = f"{words[leak.how]}{', mirrored,' if leak.mirrored else ''}"
            table.add_row(leak.file, how, leak.test, f"{leak.correlation:.3f}")
        print_table(table)
    shared = len({leak.file for leak in found.leaks})
    typer.echo(
        f"{shared or 'none'} of {found.pictures:,} pictures "
        f"{'share' if shared > 1 else 'shares'} something with the {found.tests:,} test pictures "
        f"in {', '.join(map(str, tests))}"
    )
    return 1 if shared else 0


def add_to(app: typer.Typer) -> None:
    """Makes these commands of ``crispen data``."""
    commands: Sequence[Any] = (look, filter, tile, leaks)
    for command in commands:
        app.command()(command)


def _complain(unreadable: Sequence[str], as_json: bool) -> None:
    for text in unreadable:
        print_error(text, as_json=as_json)
