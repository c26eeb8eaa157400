"""Scores as tables: for a terminal, Markdown, CSV, JSON and HTML."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from typing import Any

from crispen.evaluate.known_metrics import find_metric
from crispen.evaluate.report.html_page import escape
from crispen.evaluate.scores import Score

Row = tuple[str, ...]

_UNKNOWN = "–"
MEAN = "mean"


def header(scores: Sequence[Score]) -> Row:
    """Names of the columns."""
    return (
        "model",
        "picture",
        *(find_metric(m).title for m in _metrics(scores)),
        "seconds",
        "peak MB",
    )


def rows(scores: Sequence[Score], *, pictures: bool = True) -> list[Row]:
    """For each score, one row for each picture and one for the mean."""
    metrics = _metrics(scores)
    out: list[Row] = []
    for score in scores:
        for p in score.pictures if pictures else ():
            values = [written(m, p.value(m)) for m in metrics]
            out.append((score.model, p.picture, *values, f"{p.seconds:.4f}", ""))
        values = [written(m, score.mean(m)) for m in metrics]
        memory = score.memory_bytes
        peak = f"{memory / 1e6:,.0f}" if memory is not None else _UNKNOWN
        out.append((score.model, MEAN, *values, f"{score.seconds:.4f}", peak))
    return out


def written(metric: str, value: float | None) -> str:
    """A value as shown in a table.

    >>> written("psnr", 31.068), written("lpips", None), written("psnr", float("inf"))
    ('31.07', '–', '∞')
    """
    if value is None or math.isnan(value):
        return _UNKNOWN
    return "∞" if math.isinf(value) else f"{value:.{find_metric(metric).digits}f}"


def note(scores: Sequence[Score]) -> str:
    """How the numbers were measured, in words."""
    score = scores[0]
    plane = "Y' (BT.601 studio swing)" if score.color == "luma" else "R'G'B'"
    shaved = f"a border of {score.border} pixels shaved" if score.border else "no border shaved"
    names = {"psnr": "PSNR in dB", "ssim": "SSIM", "mse": "MSE of values in [0, 1]"}
    named = [words for metric, words in names.items() if metric in score.metrics]
    parts = [f"{', '.join(named)} on {plane}, 8-bit rounding, {shaved}"] if named else []
    parts += [about for metric in score.metrics if (about := find_metric(metric).about)]
    if score.degradation:
        parts.append(f"pictures degraded by {score.degradation}")
    parts.append("seconds for the network alone, a picture")
    parts.append("peak MB of the whole process")
    return "; ".join(parts) + "."


def markdown(scores: Sequence[Score]) -> str:
    """A Markdown table with its note."""
    head = header(scores)
    lines = [head, ("---",) * len(head), *rows(scores)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + f"\n\n{note(scores)}\n"


def comma_separated(scores: Sequence[Score]) -> str:
    """CSV with a header."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header(scores), *rows(scores)])
    return text.getvalue()


def facts(score: Score) -> dict[str, Any]:
    """A score as plain JSON values; null if infinite or unknown."""
    return {
        "model": score.model,
        "data": score.data,
        "scale": score.scale,
        "color": "Y' (BT.601 studio swing)" if score.color == "luma" else "R'G'B'",
        "border": score.border,
        "degradation": score.degradation or None,
        "parameters": score.parameters,
        **{m: _finite(score.mean(m)) for m in score.metrics},
        "seconds": score.seconds,
        "peak_memory_bytes": score.memory_bytes,
        "pictures": [
            {"picture": p.picture}
            | {m: _finite(p.value(m)) for m in score.metrics}
            | {"seconds": p.seconds}
            for p in score.pictures
        ],
    }


def html_table(head: Sequence[str], body: Sequence[Sequence[str]], *, caption: str = "") -> str:
    """A table for a page; cells are HTML, and one that begins with ``*`` is marked as best."""
    numbers = [_is_number(column) for column in zip(*body, strict=True)] if body else []
    lines = ['<div class="scroll"><table>']
    if caption:
        lines.append(f"<caption>{caption}</caption>")
    cells = "".join(
        f'<th scope="col"{_class(number)}>{h}</th>' for h, number in zip(head, numbers, strict=True)
    )
    lines.append(f"<thead><tr>{cells}</tr></thead><tbody>")
    for row in body:
        first, *rest = row
        cells = f'<th scope="row">{first}</th>' + "".join(
            f"<td{_class(number, cell.startswith('*'))}>{cell.removeprefix('*')}</td>"
            for cell, number in zip(rest, numbers[1:], strict=True)
        )
        lines.append(f"<tr>{cells}</tr>")
    return "\n".join([*lines, "</tbody></table></div>"])


def means_table(scores: Sequence[Score], *, caption: str = "") -> str:
    """One row for each score, the best of each metric marked."""
    metrics = _metrics(scores)
    best = {}
    for m in metrics:
        known = [v for s in scores if (v := s.mean(m)) is not None and not math.isnan(v)]
        if len(known) > 1 and len(scores) > 1:
            best[m] = min(known) if find_metric(m).lower_is_better else max(known)
    body = []
    for s in scores:
        cells = []
        for m in metrics:
            value = s.mean(m)
            cells.append(f"{'*' if value == best.get(m, math.nan) else ''}{written(m, value)}")
        parameters = f"{s.parameters:,}" if s.parameters else _UNKNOWN
        memory = f"{s.memory_bytes / 1e6:,.0f}" if s.memory_bytes is not None else _UNKNOWN
        body.append([display_name(s.model), *cells, parameters, f"{s.seconds:.4f}", memory])
    head = [
        "model",
        *(find_metric(m).title for m in metrics),
        "parameters",
        "seconds",
        "peak MB",
    ]
    return html_table(head, body, caption=caption)


def display_name(model: str) -> str:
    """A contender's name as HTML; ``none`` in words."""
    return "the input itself" if model == "none" else escape(model)


def _metrics(scores: Sequence[Score]) -> tuple[str, ...]:
    return scores[0].metrics


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _is_number(column: Sequence[str]) -> bool:
    def like(cell: str) -> bool:
        text = re.sub(r"</?span[^>]*>", "", cell.removeprefix("*"))
        text = text.replace(",", "").replace("−", "-").removesuffix(" dB")
        try:
            float(text)
        except ValueError:
            return text in ("", _UNKNOWN, "∞")
        return True

    return all(like(cell) for cell in column)


def _class(number: bool, best: bool = False) -> str:
    names = [name for name, on in (("number", number), ("best", best)) if on]
    return f' class="{" ".join(names)}"' if names else ""
