"""A table of scores as a page."""

from __future__ import annotations

from collections.abc import Sequence

from crispen.evaluate.report.charts import COLORS, bar
from crispen.evaluate.report.html_page import escape, make_page
from crispen.evaluate.report.score_tables import (
    display_name,
    html_table,
    means_table,
    note,
    written,
)
from crispen.evaluate.scores import Score


def score_page(scores: Sequence[Score]) -> str:
    """The page: means of all, then picture by picture."""
    first = scores[0]
    title = f"{first.data} ×{first.scale}" if first.scale > 1 else first.data
    count = len(first.pictures)
    body = [
        '<main><header class="lead">',
        f"<h1>{escape(title)}</h1><p>{len(scores)} contenders on {count} pictures</p></header>",
        f"<section><h2>Means</h2>{means_table(scores)}<p>{escape(note(scores))}</p></section>",
        f"<section><h2>Picture by picture</h2>{picture_table(scores)}</section></main>",
    ]
    return make_page(
        f"{title}: {', '.join(s.model for s in scores)}",
        "\n".join(body),
        styles=["report.css"],
        kind="report",
    )


def picture_table(scores: Sequence[Score]) -> str:
    """PSNR of each picture by each contender, with bars, the best marked."""
    values = [p.psnr for s in scores for p in s.pictures if p.psnr != float("inf")]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    room = max(high - low, 1e-9)
    body = []
    for i, picture in enumerate(scores[0].pictures):
        row = [s.pictures[i].psnr for s in scores]
        cells = [escape(picture.picture)]
        for j, value in enumerate(row):
            best = "*" if len(row) > 1 and value == max(row) else ""
            share = 0.15 + 0.85 * (value - low) / room
            cells.append(f"{best}{written('psnr', value)} dB{bar(share, j % COLORS)}")
        body.append(cells)
    return html_table(
        ["picture", *(display_name(s.model) for s in scores)],
        body,
        caption="PSNR; the bars begin near the lowest value of the table",
    )
