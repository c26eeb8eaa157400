"""A study's report as a self-contained HTML page."""

from __future__ import annotations

from collections.abc import Sequence

from crispen.evaluate.report.html_page import escape, make_report_page, picture_url
from crispen.evaluate.report.report_parts import Report
from crispen.evaluate.report.run_facts import provenance_section, recipe_section
from crispen.evaluate.report.run_pictures import samples_section
from crispen.evaluate.report.run_report import curves_section
from crispen.evaluate.report.score_tables import html_table
from crispen.lab.studies.conduct import Conducted
from crispen.lab.studies.outcome import ResultPicture, ResultTable
from crispen.lab.studies.writing import command, findings, runs_table


def study_page(done: Conducted, date: str = "") -> str:
    """The HTML page: tables, pictures, discussion, training curves, samples and recipes.

    Args:
        done: The finished study.
        date: Date of the report; empty for none.
    """
    study, outcome = done.study, done.outcome
    report = Report(done.runs)
    sections = {
        "results": ("Results", "".join(_table(t, h3=True) for t in outcome.tables)),
        "pictures": ("Pictures", "".join(_figure(p) for p in outcome.pictures)),
        "remarks": ("Discussion", _list(findings(done).remarks)),
        "runs": ("Training runs", _table(runs_table(done.runs)) if done.runs else ""),
        "curves": ("Curves", curves_section(report)),
        "samples": ("Samples during training", samples_section(report)),
        "recipe": ("Recipes", recipe_section(report)),
        "provenance": (
            "How to reproduce it",
            f"<pre><code>{escape(command(done))}</code></pre>{provenance_section(report)}",
        ),
    }
    day = f"<p>{escape(date)}</p>" if date else ""
    quick = (
        "<p><b>Quick version on generated pictures: its figures are not meaningful.</b></p>"
        if done.order.quick
        else ""
    )
    lead = (
        f'<header class="lead"><h1>{escape(study.title)}</h1>'
        f"<p>{escape(study.question)}</p>{day}{quick}</header>"
    )
    return make_report_page(study.title, lead, sections)


def _table(table: ResultTable, *, h3: bool = False) -> str:
    best = {c.key: table.best(c) for c in table.columns}
    body = []
    for row in table.rows:
        cells = []
        for column in table.columns:
            value = row.get(column.key)
            mark = "*" if value is not None and value == best[column.key] else ""
            cells.append(f"{mark}{escape(column.written(value))}")
        body.append(cells)
    heading = f"<h3>{escape(table.title)}</h3>" if h3 else ""
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    return f"{heading}{html_table([escape(c.title) for c in table.columns], body)}{note}"


def _figure(picture: ResultPicture) -> str:
    caption = escape(picture.caption)
    return (
        f'<figure><div class="scroll"><img alt="{caption}" src="{picture_url(picture.pixels)}">'
        f"</div><figcaption>{caption}</figcaption></figure>"
    )


def _list(texts: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(text)}</li>' for text in texts)}</ul>" if texts else ""
