"""``crispen compare``: two pictures or two videos side by side, or under a slider."""

from __future__ import annotations

from enum import StrEnum
from math import isinf
from pathlib import Path
from typing import Annotated

import typer

from crispen.cli.console import Json, Overwrite, print_json, progress
from crispen.errors import OutputError, UsageError


class Method(StrEnum):
    """How the smaller picture is enlarged."""

    bicubic = "bicubic"
    nearest = "nearest"


def compare(
    before: Annotated[
        Path,
        typer.Argument(
            help="The original picture or video; enlarged if it is smaller.", show_default=False
        ),
    ],
    after: Annotated[
        Path, typer.Argument(help="The enhanced picture or video.", show_default=False)
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="sheet.png (or another picture format), or sheet.html for a slider; of videos "
            "both.mp4 (side by side), both.html (under a slider, in step) or frames.csv.",
            show_default=False,
        ),
    ],
    reference: Annotated[
        Path | None,
        typer.Option("--reference", help="The reference picture; adds PSNR and SSIM."),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option("--log", help="Of videos: PSNR and SSIM of each frame, as CSV."),
    ] = None,
    method: Annotated[
        Method, typer.Option("--enlarge", help="How a smaller BEFORE is enlarged.")
    ] = Method.bicubic,
    insets: Annotated[
        int,
        typer.Option("--insets", min=0, max=4, help="Number of places that are shown enlarged."),
    ] = 3,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Show two pictures or videos side by side, or under a draggable slider.

    Pictures get zoomed insets. Of videos the frames that are shown at the same time are compared:
    PSNR and SSIM of each are a curve on the page and rows of a table.
    """
    from crispen.enhance.inputs import begins_as_video

    if begins_as_video(before) or begins_as_video(after):
        if reference is not None:
            raise UsageError(
                "--reference is for pictures; videos are measured by each other, so give the "
                "reference as the second one"
            )
        _clips(before, after, output, log, overwrite=overwrite, json=json)
        return
    if log is not None:
        raise UsageError("--log is for videos, and these are pictures; leave it out")
    from crispen.evaluate.before_after import check_name
    from crispen.evaluate.before_after import compare as make_comparison

    check_name(output)
    if output.exists() and not overwrite:
        raise OutputError(f"{output} already exists; give --overwrite or another name with -o")
    if any(output.resolve() == p.resolve() for p in (before, after, reference) if p):
        raise UsageError(f"-o {output} is one of the pictures compared; give another name")
    made = make_comparison(before, after, reference, method=method.value, insets=insets)
    made.save(output, overwrite=overwrite)
    shown = made.comparison.panels
    if json:
        panels = [{"title": p.title, "note": p.note} for p in shown]
        print_json({"sheet": str(output), "panels": panels})
        return
    for panel in shown:
        typer.echo(f"{panel.title}{': ' if panel.note else ''}{panel.note}")
    typer.echo(f"made {output}")


def _clips(
    before: Path, after: Path, output: Path, log: Path | None, *, overwrite: bool, json: bool
) -> None:
    from crispen.evaluate.clip_comparison import compare_clips
    from crispen.evaluate.clips import mean_psnr, mean_ssim
    from crispen.evaluate.report.clip_page import psnr_text
    from crispen.media.atomic import check_target

    made = [output, *([log] if log else [])]
    if any(path.resolve() == p.resolve() for path in made for p in (before, after)):
        raise UsageError(f"-o {output} is one of the videos compared; give another name")
    for path in made:
        check_target(path, overwrite=overwrite)
    with progress(json) as work:
        scores = compare_clips(before, after, output, log=log, progress=work)
    psnr, ssim = mean_psnr(scores), mean_ssim(scores)
    if json:
        means = {"psnr": None if isinf(psnr) else psnr, "ssim": ssim}
        print_json({"made": [str(path) for path in made], "frames": len(scores), **means})
        return
    similar = "" if ssim is None else f", SSIM {ssim:.4f}"
    typer.echo(f"{len(scores)} frames: PSNR {psnr_text(psnr)}{similar}")
    typer.echo(f"made {', '.join(map(str, made))}")
