"""``crispen study``: a classic comparison, from training to report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crispen.cli.console import Json, Threads, TrainingDevice, print_json, print_table, progress
from crispen.errors import UsageError, needs_extra

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crispen.lab.studies.outcome import ResultTable
    from crispen.lab.studies.study import Study


def study(
    name: Annotated[
        str | None,
        typer.Argument(help="A study; --list shows them.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder of the study; runs/studies/NAME unless given (NAME-quick with --quick). "
            "Created if necessary.",
        ),
    ] = None,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="A small version that takes a minute or two, on generated pictures: it shows that "
            "everything works, and says nothing about quality.",
        ),
    ] = False,
    data: Annotated[
        str | None,
        typer.Option(
            "--data", help="Pictures to train on, instead of those named in the study's recipes."
        ),
    ] = None,
    valid: Annotated[
        list[str] | None,
        typer.Option(
            "--valid",
            help="Pictures to measure on, a folder or a name such as Set5; can be repeated. "
            "Studies that measure on held-out pictures ignore it.",
            show_default=False,
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change every recipe of the study, as in train.steps=1000; can be repeated.",
        ),
    ] = None,
    effort: Annotated[
        float,
        typer.Option("--effort", help="Multiply the training time, as in 0.5 or 20."),
    ] = 1.0,
    limit: Annotated[
        int,
        typer.Option("--limit", min=0, help="Maximum number of pictures to measure on; 0: all."),
    ] = 0,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume/--no-resume",
            help="Continue existing runs, or move them to NAME.1 and start over.",
        ),
    ] = True,
    device: TrainingDevice = "auto",
    threads: Threads = None,
    page: Annotated[
        Path | None,
        typer.Option(
            "--markdown",
            metavar="FILE",
            help="Also write the results there; in a page that has the marks 'measured: begin' "
            "and 'measured: end', only what is between them is replaced.",
            show_default=False,
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            "--images",
            help="Folder for the pictures of --markdown; that of the file unless given.",
            show_default=False,
        ),
    ] = None,
    list_studies: Annotated[bool, typer.Option("--list", help="List the studies.")] = False,
    json: Json = False,
) -> None:
    """Repeat a classic comparison: train what is missing, measure, write tables and a report.

    Ctrl-C stops it; the same command continues. Needs PyTorch, which the extra 'train' installs.
    """
    with needs_extra("a study", "train"):
        from crispen.lab.studies import STUDIES, find_study
        from crispen.lab.studies.conduct import Order, conduct
        from crispen.lab.studies.study_page import study_page
        from crispen.lab.studies.writing import around, facts, findings, write_files, write_page
    from datetime import date

    from crispen.evaluate.report.html_page import save_page

    if list_studies:
        _list(STUDIES, json)
        return
    if name is None:
        names = ", ".join(s.name for s in STUDIES)
        raise UsageError(f"name a study: {names}; 'crispen study --list' shows what they examine")
    wanted = find_study(name)
    if images is not None and page is None:
        raise UsageError("--images is the folder for pictures of --markdown; give --markdown too")
    if page is not None:
        around(page)  # errors in it are reported before anything is trained
    order = Order(
        folder=output or Path("runs/studies") / (f"{name}-quick" if quick else name),
        quick=quick,
        data=data or "",
        sets=tuple(valid or ()),
        assignments=tuple(assignments or ()),
        effort=effort,
        limit=limit,
        device=device,
        threads=threads,
        resume=None if resume else False,
    )
    with progress(json) as work:
        done = conduct(wanted, order, work)
    write_files(done)
    report = order.folder / "report.html"
    save_page(study_page(done, date.today().isoformat()), report)
    if page is not None:
        write_page(done, page, images or page.parent)
    if json:
        print_json(facts(done) | {"report": str(report)})
        return
    for table in done.outcome.tables:
        _print(table)
    for conclusion in findings(done).conclusions:
        typer.echo(conclusion)
    typer.echo(f"made {report}; tables, pictures and study.md are beside it")


def _list(studies: Sequence[Study], as_json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {
            "name": s.name,
            "title": s.title,
            "question": s.question,
            "runs": [t.key for t in s.trainings],
            "data": s.data,
        }
        for s in studies
    ]
    if as_json:
        print_json(rows)
        return
    from rich.table import Table

    table = Table("study", "asks", "trains", "data")
    for row in rows:
        table.add_row(row["name"], row["question"], f"{len(row['runs'])} networks", row["data"])
    print_table(table)


def _print(result: ResultTable) -> None:
    from rich.table import Table

    table = Table(title=result.title, title_justify="left", caption_justify="left")
    best = {c.key: result.best(c) for c in result.columns}
    for column in result.columns:
        table.add_column(column.title, justify="right" if column.form else "left")
    for row in result.rows:
        cells = []
        for column in result.columns:
            value = row.get(column.key)
            text = column.written(value)
            marked = value is not None and value == best[column.key]
            cells.append(f"[bold]{text}[/bold]" if marked else text)
        table.add_row(*cells)
    print_table(table)
