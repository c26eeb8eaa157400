"""A report on one or several runs, as one page: the setup, the training and the result."""

from __future__ import annotations

from collections.abc import Sequence

from crispen.evaluate.known_metrics import METRICS
from crispen.evaluate.report.charts import COLORS, Series, line_chart
from crispen.evaluate.report.html_page import escape, make_report_page
from crispen.evaluate.report.report_parts import Report
from crispen.evaluate.report.run_facts import (
    card_section,
    duration,
    provenance_section,
    recipe_section,
)
from crispen.evaluate.report.run_pictures import (
    degradation_section,
    pictures_section,
    samples_section,
)
from crispen.evaluate.report.score_tables import html_table
from crispen.evaluate.run_folders import Run

# Title, unit, whether lower is better, number format.
FIGURES = {
    "psnr": ("PSNR", " dB", False, ".2f"),
    "ssim": ("SSIM", "", False, ".4f"),
    "mse": ("MSE", "", True, ".5f"),
    "loss": ("validation loss", "", True, ".4g"),
    "accuracy": ("accuracy", "", False, ".4f"),
}
_ACCURACY = (
    "Accuracy counts the pixels whose strongest colour channel is the same in output and target. "
    "It says nothing about how far the values are apart, and on grey pixels it is chance: a "
    "blurred picture can be as accurate as a sharp one. Compare by PSNR and SSIM."
)
_PAPER_NOTE = (
    "<p>A run's own figures are those of its best checkpoint on its validation pictures: PSNR and "
    "SSIM on Y' after rounding to 8 bits, MSE on all channels in [0, 1]. Where the paper measured "
    "on other pictures or in another way, the difference has more than one cause.</p>"
)
_DASH = "–"


def make_report(report: Report) -> str:
    """The page."""
    title = report.title or " · ".join(report.label(run) for run in report.runs)
    sections = {
        "curves": ("Curves", curves_section(report)),
        "paper": ("Against the paper", _papers(report)),
        "pictures": ("Best and worst", pictures_section(report)),
        "degradation": ("Degradation", degradation_section(report)),
        "samples": ("While it trained", samples_section(report)),
        "recipe": ("Recipe", recipe_section(report)),
        "card": ("Model card", card_section(report)),
        "provenance": ("How to repeat it", provenance_section(report)),
    }
    return make_report_page(
        title,
        f"{_lead(report, title)}{_overview(report)}{_discussion(report)}",
        sections,
        scripts=["slider.js", "charts.js", "report.js"],
    )


def _lead(report: Report, title: str) -> str:
    summaries = [str(run.recipe.get("summary") or "") for run in report.runs]
    said = next((text for text in summaries if text), "")
    who = " · ".join(part for part in (report.author, report.date) if part)
    return (
        f'<header class="lead"><h1>{escape(title)}</h1>'
        f"{f'<p>{escape(said)}</p>' if said and len(report.runs) == 1 else ''}"
        f"{f'<p>{escape(who)}</p>' if who else ''}</header>"
    )


def _discussion(report: Report) -> str:
    paragraphs = [part.strip() for part in report.text.split("\n\n") if part.strip()]
    if not paragraphs:
        return ""
    text = "".join(f"<p>{escape(part)}</p>" for part in paragraphs)
    return f'<section id="text"><h2>Discussion</h2>{text}</section>'


def best_figure(run: Run, name: str) -> float | None:
    """A figure of the best checkpoint, else the best one in the log."""
    if name in run.best:
        return run.best[name]
    found = run.log.best(f"val_{name}")
    return found[1] if found else None


def _overview(report: Report) -> str:
    if len(report.runs) > 1:
        return f'<section id="overview"><h2>Runs</h2>{_runs_table(report)}</section>'
    (run,) = report.runs
    tiles = []
    for name in ("psnr", "ssim", "mse"):
        value = best_figure(run, name)
        if value is not None:
            tiles.append((written(name, value), f"{FIGURES[name][0]}, validation"))
    tiles += [
        (f"{run.parameters:,}", "parameters"),
        (f"{run.step:,}", f"of {run.steps:,} steps" if run.step < run.steps else "steps"),
        (duration(run.wall_time_s), "of training"),
    ]
    items = "".join(f"<li><b>{escape(a)}</b><span>{escape(b)}</span></li>" for a, b in tiles)
    return f'<p>{_chip(run)}</p><ul class="tiles">{items}</ul>'


def _chip(run: Run) -> str:
    kind = {"done": "good", "failed": "bad"}.get(run.status, "")
    reason = f" {escape(run.error)}" if run.error else ""
    about = f"{escape(run.task)}" + (f" ×{run.scale}" if run.scale > 1 else "")
    return f'<span class="chip {kind}">{escape(run.status)}</span> {about}{reason}'


def _runs_table(report: Report) -> str:
    figures = [n for n in FIGURES if any(best_figure(r, n) is not None for r in report.runs)]
    values = {n: [best_figure(r, n) for r in report.runs] for n in figures}
    body = []
    for i, run in enumerate(report.runs):
        cells = [
            f'<span class="swatch b{i % COLORS}"></span>{escape(report.label(run))}',
            _chip(run),
            f"{run.parameters:,}",
            f"{run.step:,}",
            duration(run.wall_time_s),
        ]
        for n in figures:
            known = [v for v in values[n] if v is not None]
            best = (min if FIGURES[n][2] else max)(known)
            own = values[n][i]
            text = _DASH if own is None else format(own, FIGURES[n][3])
            cells.append(f"{'*' if own == best and len(known) > 1 else ''}{text}")
        body.append(cells)
    head = ["run", "status", "parameters", "steps", "time"]
    head += [FIGURES[n][0] for n in figures]
    return html_table(head, body, caption="Figures of the best checkpoint, on validation pictures")


def curves_section(report: Report) -> str:
    """Losses and figures by step."""
    charts = [
        _chart(report, ("loss", "val_loss"), "Loss", "loss"),
        _chart(report, ("val_psnr",), "PSNR on validation pictures", "dB", paper="psnr"),
        _chart(report, ("val_ssim",), "SSIM on validation pictures", "SSIM", paper="ssim"),
        _chart(report, ("val_mse",), "MSE on validation pictures", "MSE", paper="mse"),
        _chart(report, ("val_accuracy",), "Accuracy on validation pictures", "share", "accuracy"),
        *(
            _chart(report, (c,), f"Loss term: {c.removeprefix('loss_')}", "loss")
            for c in _terms(report)
        ),
        _chart(report, ("learning_rate",), "Learning rate", "learning rate"),
    ]
    drawn = [chart for chart in charts if chart]
    if not drawn:
        return ""
    accuracy = any(run.log.curve("val_accuracy") for run in report.runs)
    return (
        f'<div class="charts">{"".join(drawn)}</div>'
        '<p class="help">Point at a curve, or focus it and use <kbd>←</kbd> <kbd>→</kbd>, to read '
        "its values.</p>" + (f"<p>{_ACCURACY}</p>" if accuracy else "")
    )


def _terms(report: Report) -> list[str]:
    names = [c for run in report.runs for c in run.log.columns if c.startswith("loss_")]
    return list(dict.fromkeys(names))


def _chart(report: Report, columns: tuple[str, ...], title: str, unit: str, paper: str = "") -> str:
    several = len(report.runs) > 1
    series = []
    for i, run in enumerate(report.runs):
        for j, column in enumerate(columns):
            kind = "validation" if column.startswith("val_") else "training"
            label = report.label(run)
            if len(columns) > 1:
                label = f"{label}, {kind}" if several else kind
            # Each run has its colour; with a single run, each curve has.
            color = i if several else j
            series.append(Series(label, run.log.curve(column), color, j))
    level = next((f for run in report.runs if (f := _figures(run).get(paper))), None)
    return line_chart(
        series,
        title=title,
        x_label="step",
        y_label=unit,
        level=("paper", level) if level is not None else None,
    )


def _figures(run: Run) -> dict[str, float]:
    figures = run.paper.get("figures") or {}
    return {str(k): float(v) for k, v in figures.items() if isinstance(v, int | float)}


def _papers(report: Report) -> str:
    """One table for each paper, with the runs that reproduce it."""
    groups: list[list[Run]] = []
    for run in report.runs:
        if not _figures(run):
            continue
        same = (group for group in groups if dict(group[0].paper) == dict(run.paper))
        group = next(same, None)
        if group is None:
            groups.append([run])
        else:
            group.append(run)
    return "".join(_paper_table(report, group) for group in groups) + (
        _PAPER_NOTE if groups else ""
    )


def _paper_table(report: Report, runs: Sequence[Run]) -> str:
    paper = runs[0].paper
    head = ["figure", "paper"]
    for run in runs:
        label = report.label(run) if len(runs) > 1 else "this run"
        head += [f"{escape(label)}, validation", "difference"]
        if run.id in report.findings:
            head.append(f"on {escape(report.findings[run.id].data)}")
    body = []
    for name, published in _figures(runs[0]).items():
        cells = [escape(FIGURES[name][0] if name in FIGURES else name), written(name, published)]
        for run in runs:
            own = best_figure(run, name)
            found = report.findings.get(run.id)
            measured = found.scores[0].mean(name) if found and name in METRICS else None
            cells.append(_DASH if own is None else written(name, own))
            cells.append(_DASH if own is None else _difference(name, own - published))
            if found:
                cells.append(_DASH if measured is None else written(name, measured))
        body.append(cells)
    source = " · ".join(str(paper.get(k)) for k in ("title", "source") if paper.get(k))
    return html_table(head, body, caption=escape(source))


def written(name: str, value: float) -> str:
    """A figure with its unit.

    >>> written("psnr", 28.2612), written("loss", 0.00077)
    ('28.26 dB', '0.00077')
    """
    _, unit, _, form = FIGURES.get(name, (name, "", False, ".4g"))
    return f"{value:{form}}{unit}"


def _difference(name: str, value: float) -> str:
    lower = FIGURES[name][2] if name in FIGURES else False
    good = value <= 0 if lower else value >= 0
    sign = "+" if value >= 0 else "−"
    kind = "good" if good else "bad"
    return f'<span class="{kind}">{sign}{written(name, abs(value))}</span>'
