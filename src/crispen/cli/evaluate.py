"""``crispen evaluate``: how good and how fast models and baselines are, in one table."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crispen.cli.console import JSON_FLAG, Overwrite, Threads, print_json, print_table, progress
from crispen.errors import OutputError, UsageError, nearest_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crispen.evaluate.scores import Score


class Format(StrEnum):
    """How the table is written."""

    table = "table"
    markdown = "markdown"
    csv = "csv"
    json = "json"
    html = "html"


class Color(StrEnum):
    """What is compared."""

    luma = "luma"
    rgb = "rgb"


_SUFFIXES = {
    ".md": Format.markdown,
    ".csv": Format.csv,
    ".json": Format.json,
    ".html": Format.html,
    ".htm": Format.html,
}


def evaluate(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL…]",
            help="Models by name or file; or one of the baselines below.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        str,
        typer.Option(
            "--data",
            help="Folder with HR and LR_xN, or of pictures from which degraded inputs are made; a "
            "video, whose frames are measured one by one; or a name such as Set5, which is "
            "searched for in the folders of CRISPEN_DATA, in the "
            "user's data folder and in ../shared/data/valid.",
        ),
    ] = "Set5",
    scale: Annotated[
        int | None,
        typer.Option(
            "--scale",
            min=1,
            max=16,
            help="How many times smaller the degraded inputs are. By default the models' own "
            "scale, or 2 for baselines alone.",
            show_default=False,
        ),
    ] = None,
    degradations: Annotated[
        list[str] | None,
        typer.Option(
            "--degrade",
            metavar="KIND[=VALUE]…",
            help="Degrade the pictures, as in gaussian-noise=25. Can be repeated. See "
            "'crispen degrade --list'. Needs PyTorch.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of --degrade.")] = 0,
    baseline: Annotated[
        str,
        typer.Option(
            "--baseline",
            metavar="NAME,…",
            help="Also measure: nearest, bilinear, bicubic, lanczos; at scale 1 none, median, "
            "adaptive-median, bilateral, nl-means, unsharp.",
            show_default=False,
        ),
    ] = "",
    metrics: Annotated[
        str,
        typer.Option(
            "--metrics",
            metavar="NAME,…",
            help="Any of psnr, ssim, mse, lpips, dists, ssimulacra2, niqe, brisque, fid, kid and "
            "those of plug-ins; or all, which leaves out those whose weights are not available.",
        ),
    ] = "psnr,ssim,mse",
    color: Annotated[
        Color, typer.Option("--color", help="Compare Y' (BT.601 studio swing) or R'G'B'.")
    ] = Color.luma,
    border: Annotated[
        int | None,
        typer.Option(
            "--border",
            min=0,
            help="Pixels shaved on each side; the scale unless given, none at scale 1.",
            show_default=False,
        ),
    ] = None,
    format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="How the table is written; after the ending of --output, or a table, unless "
            "given.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="A file: .md, .csv, .json or .html; standard output unless given.",
            show_default=False,
        ),
    ] = None,
    device: Annotated[
        str, typer.Option("--device", help="auto, cpu, cuda, gpu …: what the models run on.")
    ] = "auto",
    threads: Threads = None,
    overwrite: Overwrite = False,
    json: Annotated[bool, typer.Option(JSON_FLAG, help="The same as --format json.")] = False,
) -> None:
    """Measure models on pictures whose true version is known."""
    from crispen.evaluate.benchmark import common_scale
    from crispen.evaluate.benchmark import evaluate as measure
    from crispen.evaluate.contender import BUILT_IN
    from crispen.evaluate.pairs import find_data
    from crispen.evaluate.scores import Protocol

    names = [*(models or []), *listed(baseline, BUILT_IN, "--baseline")]
    if not names:
        raise UsageError("name a model, or baselines with --baseline; 'crispen models' lists them")
    wanted = _all_metrics() if metrics == "all" else _metrics(metrics)
    form = _format(format, output, json)
    if output is not None and output.exists() and not overwrite:
        raise OutputError(f"{output} already exists; give --overwrite or another name with -o")
    folder = find_data(data)
    factor = common_scale(names, scale)
    degrade, words = None, ""
    if degradations:
        from crispen.cli._degrading import typed_degradation

        degrade, words = typed_degradation(degradations, factor, seed)
    protocol = Protocol(color.value, border, wanted, degrade, words)
    with progress(json) as work:
        scores = [
            measure(
                name,
                folder,
                factor,
                protocol=protocol,
                device=device,
                threads=threads,
                progress=work,
            )
            for name in dict.fromkeys(names)
        ]
    _write(scores, form, output, overwrite)


def listed(text: str, known: Sequence[str], option: str) -> list[str]:
    """The names in an option such as ``bicubic,lanczos``.

    Raises:
        UsageError: One of them is not known.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            hint = nearest_names(name, known) or f"; those are {', '.join(known)}"
            raise UsageError(f"{option}: '{name}' is none of them{hint}")
    return names


def _all_metrics() -> tuple[str, ...]:
    from crispen.evaluate.known_metrics import usable_metrics

    usable, missing = usable_metrics()
    for line in missing:
        typer.echo(line, err=True)
    return tuple(usable)


def _metrics(text: str) -> tuple[str, ...]:
    from crispen.evaluate.known_metrics import find_metric, metric_names

    names = [name.strip() for name in text.split(",") if name.strip()]
    known = metric_names()
    if not names:
        raise UsageError(f"--metrics: name at least one of {', '.join(known)}")
    for name in names:
        try:
            find_metric(name)
        except UsageError as error:
            raise UsageError(f"--metrics: {error}") from error
    # In the order of the tables; a file's metrics come last.
    return tuple(dict.fromkeys([*(m for m in known if m in names), *names]))


def _format(format: Format | None, output: Path | None, json: bool) -> Format:
    if json:
        return Format.json
    if format is not None:
        return format
    if output is None:
        return Format.table
    if output.suffix.lower() not in _SUFFIXES:
        raise UsageError(f"-o {output}: give a name that ends in {', '.join(_SUFFIXES)}")
    return _SUFFIXES[output.suffix.lower()]


def _write(scores: list[Score], form: Format, output: Path | None, overwrite: bool) -> None:
    from crispen.evaluate.report import score_tables

    if form is Format.table and output is None:
        _print(scores)
        return
    match form:
        case Format.json:
            facts = [score_tables.facts(score) for score in scores]
            if output is None:
                print_json(facts)
                return
            import json

            text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
        case Format.csv:
            text = score_tables.comma_separated(scores)
        case Format.html:
            from crispen.evaluate.report.score_page import score_page

            text = score_page(scores)
        case _:
            text = score_tables.markdown(scores)
    if output is None:
        sys.stdout.write(text)
        return
    from crispen.media.atomic import write_whole

    write_whole(output, text.encode())
    typer.echo(f"made {output}")


def _print(scores: list[Score]) -> None:
    from rich.table import Table

    from crispen.evaluate.report import score_tables

    first = scores[0]
    title = f"{first.data} x{first.scale}" if first.scale > 1 else first.data
    table = Table(title=title, caption=score_tables.note(scores))
    for i, name in enumerate(score_tables.header(scores)):
        table.add_column(name, justify="right" if i > 1 else "left")
    for row in score_tables.rows(scores):
        mean = row[1] == score_tables.MEAN
        table.add_row(*row, style="bold" if mean else None, end_section=mean)
    print_table(table)
