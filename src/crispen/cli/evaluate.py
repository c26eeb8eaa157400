"""``crispen evaluate``: PSNR, SSIM and seconds of models and baselines in one table."""

from __future__ import annotations

import csv
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crispen.cli.console import JSON_FLAG, print_json, print_table, progress

if TYPE_CHECKING:
    from crispen.evaluate.benchmark import Score


class Format(StrEnum):
    """How the table is written."""

    table = "table"
    markdown = "markdown"
    csv = "csv"
    json = "json"


HEADER = ("model", "picture", "PSNR", "SSIM", "seconds")
NOTE = (
    "PSNR and SSIM on Y' (BT.601 studio swing), 8-bit rounding, a border of {scale} pixels shaved; "
    "seconds for the network alone, a picture."
)


def evaluate(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL…",
            help="Models by name or file; nearest, bilinear, bicubic and lanczos are baselines.",
            show_default=False,
        ),
    ],
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            help="Folder with HR and LR_xN, or with HR pictures from which bicubic LR is made.",
            show_default=False,
        ),
    ],
    scale: Annotated[int, typer.Option("--scale", min=1, help="How many times smaller LR is.")] = 2,
    format: Annotated[
        Format, typer.Option("--format", help="How the table is written.")
    ] = Format.table,
    device: Annotated[
        str, typer.Option("--device", help="auto, cpu, cuda, gpu …: what the models run on.")
    ] = "auto",
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="At most so many CPU threads.")
    ] = None,
    json: Annotated[bool, typer.Option(JSON_FLAG, help="The same as --format json.")] = False,
) -> None:
    """Measure models on pictures whose true large version is known."""
    from crispen.evaluate.benchmark import evaluate as measure

    as_json = json or format is Format.json
    with progress(json) as work:
        scores = [
            measure(model, data, scale, device=device, threads=threads, progress=work)
            for model in models
        ]
    if as_json:
        print_json([_facts(score) for score in scores])
        return
    rows = [row for score in scores for row in _rows(score)]
    if format is Format.csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows([HEADER, *rows])
    elif format is Format.markdown:
        for cells in (HEADER, ("---",) * len(HEADER), *rows):
            typer.echo(f"| {' | '.join(cells)} |")
        typer.echo(f"\n{NOTE.format(scale=scale)}")
    else:
        _print(rows, f"{data.name} x{scale}", NOTE.format(scale=scale))


def _rows(score: Score) -> list[tuple[str, ...]]:
    rows = [(p.picture, p.psnr, p.ssim, p.seconds) for p in score.pictures]
    rows.append(("mean", score.psnr, score.ssim, score.seconds))
    return [(score.model, n, f"{p:.2f}", f"{s:.4f}", f"{t:.4f}") for n, p, s, t in rows]


def _facts(score: Score) -> dict[str, Any]:
    return {
        "model": score.model,
        "data": score.data,
        "scale": score.scale,
        "color": "Y' (BT.601 studio swing)",
        "border": score.scale,
        "psnr": score.psnr,
        "ssim": score.ssim,
        "seconds": score.seconds,
        "pictures": [
            {"picture": p.picture, "psnr": p.psnr, "ssim": p.ssim, "seconds": p.seconds}
            for p in score.pictures
        ],
    }


def _print(rows: list[tuple[str, ...]], title: str, caption: str) -> None:
    from rich.table import Table

    table = Table(*HEADER, title=title, caption=caption)
    for row in rows:
        mean = row[1] == "mean"
        table.add_row(*row, style="bold" if mean else None, end_section=mean)
    print_table(table)
