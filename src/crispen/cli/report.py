"""``crispen report``: one page on one or several training runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crispen.cli.console import Json, Overwrite, Threads, print_json, progress
from crispen.errors import CrispenError, InputError, MissingInput, OutputError, UsageError

if TYPE_CHECKING:
    from crispen.evaluate.findings import Findings
    from crispen.evaluate.run_folders import Run
    from crispen.progress import Progress

_SUFFIXES = (".html", ".htm")


def report(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN…", help="Folders of runs, as runs/denoise-photo.", show_default=False
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The page to write.")] = Path(
        "report.html"
    ),
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            help="Pictures that the exported models are measured on, a folder or a name such as "
            "Set5; the recipe's validation pictures unless given.",
            show_default=False,
        ),
    ] = None,
    baseline: Annotated[
        str,
        typer.Option(
            "--baseline",
            metavar="NAME,…",
            help="Also measured: bicubic, or none at scale 1, unless given; see "
            "'crispen evaluate --help'.",
            show_default=False,
        ),
    ] = "",
    pictures: Annotated[
        int,
        typer.Option(
            "--pictures", min=0, max=8, help="Number of best and of worst pictures to show."
        ),
    ] = 2,
    title: Annotated[str, typer.Option("--title", help="Title (default: the runs' names).")] = "",
    author: Annotated[str, typer.Option("--author", help="Author of the report.")] = "",
    text: Annotated[
        Path | None,
        typer.Option(
            "--text",
            help="A text file with an introduction; empty lines separate paragraphs.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Seed of the recipe's degradation.")
    ] = 0,
    device: Annotated[
        str, typer.Option("--device", help="Device for the models: auto, cpu, cuda, gpu …")
    ] = "auto",
    threads: Threads = None,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Write one page on training runs: curves, figures, pictures, recipe; to hand in or to keep.

    The page needs no other file and fetches nothing. Best and worst pictures are those of the
    exported model; the recipe's degradation needs PyTorch.
    """
    from datetime import date

    from crispen.evaluate.report.html_page import save_page
    from crispen.evaluate.report.report_parts import Report
    from crispen.evaluate.report.run_report import make_report
    from crispen.evaluate.run_folders import read_run

    if output.suffix.lower() not in _SUFFIXES:
        raise UsageError(f"-o {output}: a report is a page; give a name that ends in .html")
    if output.exists() and not overwrite:
        raise OutputError(f"{output} already exists; give --overwrite or another name with -o")
    said = _text(text)
    runs = [read_run(folder, id=str(folder)) for folder in dict.fromkeys(folders)]
    findings: dict[str, Findings] = {}
    missing: dict[str, str] = {}
    with progress(json) as work:
        for run in runs if pictures else ():
            found = _examine(run, data, baseline, pictures, seed, device, threads, work)
            if isinstance(found, str):
                missing[run.id] = found
            else:
                findings[run.id] = found
    page = make_report(
        Report(runs, findings, missing, title, author, said, date.today().isoformat())
    )
    save_page(page, output)
    if json:
        print_json({"report": str(output), "bytes": len(page.encode()), "missing": missing})
        return
    for run_id, reason in missing.items():
        typer.echo(f"{run_id}: {reason}", err=True)
    typer.echo(f"made {output} ({len(page.encode()) / 1e6:.1f} MB)")


def _text(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise MissingInput(f"--text {file}: no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--text {file}: cannot be read as text; save it as UTF-8") from error


def _examine(
    run: Run,
    data: str | None,
    baseline: str,
    count: int,
    seed: int,
    device: str,
    threads: int | None,
    work: Progress,
) -> Findings | str:
    """What the exported model does, or why that is unknown."""
    from crispen.cli._degrading import recipe_degradation
    from crispen.cli.evaluate import listed
    from crispen.evaluate.contender import BUILT_IN
    from crispen.evaluate.findings import examine, validation_pairs
    from crispen.evaluate.scores import Protocol

    if run.model is None:
        return (
            "There is no exported model in the run's folder, so no pictures can be made; "
            f"type: crispen export {run.folder}"
        )
    baselines = listed(baseline, BUILT_IN, "--baseline")
    baselines = baselines or (["bicubic"] if run.scale > 1 else ["none"])
    try:
        degrading = recipe_degradation(run.recipe, seed)
        degrade, words = degrading or (None, "")
        found = validation_pairs(run, data, degraded=degrade is not None)
    except CrispenError as error:
        if data is not None:
            raise
        return f"The pictures are not available: {error}"
    if found is None:
        return "No validation pictures were found; name some with --data."
    pairs, name = found
    return examine(
        run.model,
        pairs,
        name,
        run.scale,
        Protocol(degrade=degrade, degradation=words),
        baselines=baselines,
        count=count,
        device=device,
        threads=threads,
        progress=work,
    )
