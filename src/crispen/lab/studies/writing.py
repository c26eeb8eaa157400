"""Writes the results of a finished study: CSV, JSON, Markdown and pictures."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crispen.errors import InputError, OutputError
from crispen.evaluate.report.html_page import encode
from crispen.evaluate.report.run_facts import degradation_text, duration
from crispen.evaluate.run_folders import Run
from crispen.lab.studies.conduct import Conducted
from crispen.lab.studies.findings import Findings
from crispen.lab.studies.outcome import Column, ResultTable
from crispen.media.atomic import write_whole

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
_RUN_COLUMNS = (
    Column("name", "run"),
    Column("network", "network"),
    Column("parameters", "parameters", ","),
    Column("loss", "loss"),
    Column("degradation", "degradation"),
    Column("steps", "steps", ","),
    Column("crops", "crops per step"),
    Column("epochs", "epochs", ".1f"),
    Column("time", "time"),
)


def write_files(done: Conducted) -> list[Path]:
    """Writes tables, pictures, ``results.json`` and ``study.md`` into the study's folder.

    Returns:
        Paths of the files.

    Raises:
        OutputError: A file cannot be written.
    """
    folder, outcome = done.order.folder, done.outcome
    files = {f"tables/{t.key}.csv": comma_separated(t).encode() for t in outcome.tables}
    files |= {f"pictures/{p.key}.png": encode(p.pixels, "png") for p in outcome.pictures}
    text = json.dumps(facts(done), indent=2, ensure_ascii=False)
    files["results.json"] = f"{text}\n".encode()
    files["study.md"] = f"# {done.study.title}\n\n{markdown(findings(done), 'pictures')}".encode()
    return _write(folder, files)


def write_page(done: Conducted, page: Path, images: Path) -> list[Path]:
    """Writes the results as a Markdown page with pictures, for instance into a project's docs.

    In an existing page, only the text between the lines `BEGIN` and `END` is replaced.

    Args:
        done: The finished study.
        page: The Markdown file.
        images: Folder of its pictures, whose names are prefixed with the study's.

    Returns:
        Paths of the files.

    Raises:
        InputError: The page exists without these lines.
        OutputError: A file cannot be written.
    """
    text = page_text(findings(done), page, images)
    prefix = f"{done.study.name}-"
    written = _write(
        images, {f"{prefix}{p.key}.png": encode(p.pixels, "png") for p in done.outcome.pictures}
    )
    return [*written, *_write(page.parent, {page.name: text.encode()})]


def page_text(found: Findings, page: Path, images: Path) -> str:
    """The text of the page with its results replaced.

    Args:
        found: The results.
        page: The Markdown file; a new page if it does not exist.
        images: Folder of the pictures.

    Raises:
        InputError: The page exists without the lines `BEGIN` and `END`.
    """
    before, after = around(page) or (f"# {found.study.title}\n\n{BEGIN}\n", f"{END}\n")
    link = Path(os.path.relpath(images, page.parent)).as_posix()
    return f"{before}\n{markdown(found, link, prefix=f'{found.study.name}-')}\n{after}"


def around(page: Path) -> tuple[str, str] | None:
    """The text of a page before and after its results; None if the page does not exist.

    Raises:
        InputError: The page exists without the lines `BEGIN` and `END`.
    """
    if not page.exists():
        return None
    try:
        text = page.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{page}: cannot be read as text; give another file") from error
    found = re.fullmatch(rf"(.*{BEGIN}\n).*({END}.*)", text, re.DOTALL)
    if found is None:
        raise InputError(
            f"{page}: exists without the lines '{BEGIN}' and '{END}', between which the results "
            "are written; add them or give another file"
        )
    return found[1], found[2]


def _write(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    paths = []
    for name, content in files.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{path.parent}: cannot be created: {error.strerror}") from error
        write_whole(path, content)
        paths.append(path)
    return paths


def comma_separated(table: ResultTable) -> str:
    """A table as CSV: unformatted values, headed by the columns' keys."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([c.key for c in table.columns])
    for row in table.rows:
        cells = (row.get(c.key) for c in table.columns)
        writer.writerow(["" if cell is None else cell for cell in cells])
    return text.getvalue()


def findings(done: Conducted) -> Findings:
    """The results of a study without the pictures."""
    return Findings(
        done.study,
        done.outcome.tables,
        {p.key: p.caption for p in done.outcome.pictures},
        runs_table(done.runs) if done.runs else None,
        command(done),
        done.order.quick,
    )


def facts(done: Conducted) -> dict[str, Any]:
    """The content of ``results.json``: all results as JSON values."""
    found = findings(done)
    return found.facts() | {
        "title": done.study.title,
        "question": done.study.question,
        "folder": str(done.order.folder),
        "remarks": found.remarks,
        "runs": [run.facts() for run in done.runs],
    }


def runs_table(runs: tuple[Run, ...]) -> ResultTable:
    """A table of the training runs: networks, losses, inputs, steps and times."""
    return ResultTable(
        "runs", "Training runs", _RUN_COLUMNS, [_run_row(run) for run in runs], data_text(runs)
    )


def data_text(runs: tuple[Run, ...]) -> str:
    """Descriptions of the runs' training data, without repetitions."""
    descriptions = dict.fromkeys(str(run.data.get("description") or "") for run in runs)
    return "; ".join(text for text in descriptions if text)


def _run_row(run: Run) -> dict[str, str | float | int | None]:
    recipe = run.recipe
    data = recipe.get("data", {})
    patch, batch = data.get("patch"), data.get("batch")
    losses = [
        (f"{t['weight']:g} " if t.get("weight", 1) != 1 else "") + str(t["kind"])
        for t in recipe.get("loss", [])
    ]
    if recipe.get("adversarial"):
        losses.append(f"{recipe['adversarial']['weight']:g} adversarial")
    default = f"bicubic ÷{run.scale}" if run.scale > 1 else "none"
    return {
        "name": run.id,
        "network": str(recipe.get("network", {}).get("kind", "")),
        "parameters": run.parameters,
        "loss": " + ".join(losses),
        "degradation": degradation_text(run) or default,
        "steps": run.step,
        "crops": f"{batch} of {patch}×{patch} px",
        "epochs": run.epoch,
        "time": duration(run.wall_time_s),
    }


def markdown(found: Findings, pictures: str, *, prefix: str = "") -> str:
    """The Markdown text: question, tables, pictures, discussion and command.

    Args:
        found: The results.
        pictures: Path of the folder of the pictures, as used in links.
        prefix: Prefix of the pictures' file names.
    """
    parts = [found.study.question]
    if found.quick:
        parts.append("**Quick version on generated pictures: its figures are not meaningful.**")
    parts += [_table(t) for t in found.tables]
    parts += [
        f"![{text}]({pictures}/{prefix}{key}.png)\n*{text}*" for key, text in found.captions.items()
    ]
    if found.remarks:
        parts.append("## Discussion\n\n" + "\n".join(f"- {t}" for t in found.remarks))
    if found.trained:
        parts.append(_table(found.trained))
    parts.append(f"## How to reproduce it\n\n```console\n$ {found.command}\n```")
    return "\n\n".join(parts) + "\n"


def command(done: Conducted) -> str:
    """The command line that repeats a study."""
    order = done.order
    words = ["crispen study", done.study.name]
    words += ["--quick"] if order.quick else []
    words += [f"--data {order.data}"] if order.data else []
    words += [f"--valid {name}" for name in order.sets]
    words += [f"--effort {order.effort:g}"] if order.effort != 1 else []
    words += [f"--limit {order.limit}"] if order.limit else []
    words += [f"--set '{text}'" for text in order.assignments]
    return " ".join(words)


def _table(table: ResultTable) -> str:
    best = {c.key: table.best(c) for c in table.columns}
    head = [c.title for c in table.columns]
    lines = [head, ["---", *("---:" if c.form else "---" for c in table.columns[1:])]]
    for row in table.rows:
        cells = []
        for column in table.columns:
            value = row.get(column.key)
            text = column.written(value)
            cells.append(f"**{text}**" if value is not None and value == best[column.key] else text)
        lines.append(cells)
    body = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    note = f"\n\n{table.note}" if table.note else ""
    return f"## {table.title}\n\n{body}{note}"
