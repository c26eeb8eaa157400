"""``crispen compare``: two pictures side by side, or under a slider."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from crispen.cli.console import Json, Overwrite, print_json
from crispen.errors import OutputError, UsageError

_PAGES = (".html", ".htm")


class Method(StrEnum):
    """How the smaller picture is enlarged."""

    bicubic = "bicubic"
    nearest = "nearest"


def compare(
    before: Annotated[
        Path,
        typer.Argument(
            help="The picture as it was; enlarged if it is smaller.", show_default=False
        ),
    ],
    after: Annotated[Path, typer.Argument(help="The enhanced picture.", show_default=False)],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="sheet.png (or another picture format), or sheet.html for a slider.",
            show_default=False,
        ),
    ],
    reference: Annotated[
        Path | None,
        typer.Option("--reference", help="What it should look like; adds PSNR and SSIM."),
    ] = None,
    method: Annotated[
        Method, typer.Option("--enlarge", help="How a smaller BEFORE is enlarged.")
    ] = Method.bicubic,
    insets: Annotated[
        int, typer.Option("--insets", min=0, max=4, help="How many places are shown enlarged.")
    ] = 3,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Show two pictures side by side with zoomed insets, or under a draggable slider."""
    from crispen.evaluate.compare import compare as make_comparison
    from crispen.media.image import Image, is_image_name, write_image

    page = output.suffix.lower() in _PAGES
    if not page and not is_image_name(output):
        raise UsageError(f"-o {output}: give a name that ends in .png or .html")
    if output.exists() and not overwrite:
        raise OutputError(f"{output} already exists; give --overwrite or another name with -o")
    if any(output.resolve() == p.resolve() for p in (before, after, reference) if p):
        raise UsageError(f"-o {output} is one of the pictures compared; give another name")
    comparison = make_comparison(before, after, reference, method=method.value, windows=insets)
    if page:
        from crispen.evaluate.report.slider import make_page, save_page

        save_page(make_page(comparison), output)
    else:
        from crispen.evaluate.sheet import make_sheet

        write_image(Image(make_sheet(comparison)), output, overwrite=overwrite)
    if json:
        panels = [{"title": p.title, "note": p.note} for p in comparison.panels]
        print_json({"sheet": str(output), "panels": panels})
        return
    for panel in comparison.panels:
        typer.echo(f"{panel.title}{': ' if panel.note else ''}{panel.note}")
    typer.echo(f"made {output}")
