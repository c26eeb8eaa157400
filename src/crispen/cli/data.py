"""``crispen data``: public sets by name, packs of pictures, and what a set is like."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from crispen.cli._curation import add_to
from crispen.cli.console import Json, Overwrite, print_json, print_table, progress
from crispen.errors import UsageError, nearest_names

app = typer.Typer(
    invoke_without_command=True,
    help="List public sets of pictures, fetch one, or examine, filter, cut and pack a folder.",
)


class Color(StrEnum):
    """What a pack keeps of the pictures."""

    rgb = "rgb"
    luma = "luma"
    yuv = "yuv"


@app.callback()
def data(context: typer.Context, json: Json = False) -> None:
    """List public sets of pictures, fetch one, or examine, filter, cut and pack a folder.

    Without a further word the sets are listed that a recipe may name: what each is, how large its
    archive is, under what terms, and whether it is here.
    """
    if context.invoked_subcommand is not None:
        return
    from crispen.lab.data.catalogue import SETS
    from crispen.lab.data.fetching import is_here, place

    if json:
        print_json(
            [
                {
                    "name": name,
                    "title": public.title,
                    "size_mb": public.size_mb or None,
                    "licence": public.licence,
                    "url": public.url,
                    "account": public.account or None,
                    "sha256": public.sha256 or None,
                    "path": str(place(name)) if is_here(name) else None,
                }
                for name, public in SETS.items()
            ]
        )
        return
    from rich.table import Table

    table = Table("name", "what", "MB", "terms", "here")
    for name, public in SETS.items():
        here = str(place(name)) if is_here(name) else ""
        if public.account and not here:
            here = f"by hand: needs an account at {public.account}"
        table.add_row(
            name,
            public.title,
            f"{public.size_mb:,}" if public.size_mb else "–",
            public.licence,
            here or "–",
        )
    print_table(table)


@app.command()
def fetch(
    name: Annotated[
        str, typer.Argument(help="A set, as 'crispen data' lists it.", show_default=False)
    ],
    json: Json = False,
) -> None:
    """Fetch a public set once, and check it by its checksum.

    It goes into the platform's cache folder, or into the folder that CRISPEN_DATA names. A download
    that was interrupted is continued. If the host of a set requires an account, this says what to
    download and where to put it.
    """
    from crispen.lab.data.catalogue import SETS
    from crispen.lab.data.fetching import fetch as fetch_set

    if name not in SETS:
        hint = nearest_names(name, SETS) or f"; those are {', '.join(SETS)}"
        raise UsageError(f"no set is called '{name}'{hint}")
    with progress(json) as work:
        path = fetch_set(name, progress=work)
    if json:
        print_json({"name": name, "path": str(path)})
        return
    typer.echo(f"{name} is here: {path}")
    kind = "cifar10" if name == "cifar10" else "named"
    line = "" if kind == "cifar10" else f' and name = "{name}"'
    typer.echo(f'use it in a recipe\'s [data]: kind = "{kind}"{line}')


@app.command()
def pack(
    folder: Annotated[
        Path, typer.Argument(help="Folder of pictures, with its subfolders.", show_default=False)
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="The pack, a .safetensors file.", show_default=False),
    ],
    color: Annotated[
        Color,
        typer.Option(
            "--color", help="What to keep: all, Y' of studio range (luma), or of full range (yuv)."
        ),
    ] = Color.rgb,
    resize: Annotated[
        int,
        typer.Option(
            "--resize",
            min=0,
            help="Resize every picture to a square of this side; 0 keeps their sizes.",
        ),
    ] = 0,
    crop: Annotated[
        int,
        typer.Option("--crop", min=0, help="Cut squares of this side; 0 keeps whole pictures."),
    ] = 0,
    stride: Annotated[
        int,
        typer.Option("--stride", min=0, help="Distance of the squares; 0: side by side."),
    ] = 0,
    skip_unreadable: Annotated[
        bool,
        typer.Option("--skip-unreadable", help="Skip unreadable pictures instead of stopping."),
    ] = False,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Pack a folder's pictures, decoded, into one file that training reads at once.

    A pack of rgb takes three bytes a pixel, of luma one. It may be larger than memory. A recipe
    names it by kind = "pack" and path = "FILE" in its data table.
    """
    from crispen.lab.data.packs import write_pack

    with progress(json) as work:
        count, size = write_pack(
            folder,
            output,
            color=color.value,
            side=resize,
            crop=crop,
            stride=stride,
            skip_unreadable=skip_unreadable,
            overwrite=overwrite,
            progress=work,
        )
    if json:
        print_json({"pack": str(output), "pictures": count, "bytes": size})
        return
    typer.echo(f"packed {count:,} pictures into {output} ({size / 1e6:,.1f} MB)")


add_to(app)
