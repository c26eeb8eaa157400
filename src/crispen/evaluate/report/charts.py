"""SVG charts inside a page: readable in light and dark, on paper, by keyboard and screen reader.

Colours come from the style sheet (``--s0`` …); ``charts.js`` adds the values under the pointer.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from crispen.evaluate.report.html_page import escape

Point = tuple[float, float]

WIDTH, HEIGHT = 520, 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 14, 12, 44
COLORS = 6
_MOST_POINTS = 320
_DASHES = ("", "6 4", "2 3", "9 3 2 3")


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart.

    Attributes:
        label: What it shows.
        points: ``(x, y)``, in the order of x.
        color: Number of its colour; one run has one colour in all charts.
        dash: Number of its dash pattern, 0 for a solid line.
    """

    label: str
    points: Sequence[Point]
    color: int = 0
    dash: int = 0


def line_chart(
    series: Sequence[Series],
    *,
    title: str,
    x_label: str,
    y_label: str,
    level: tuple[str, float] | None = None,
) -> str:
    """A chart as a ``<figure>``; an empty string if there is nothing to draw.

    Args:
        series: Its lines; the axis is logarithmic if all are positive and span a factor of 20.
        title: Above it.
        x_label: For the x axis.
        y_label: For the y axis, with its unit.
        level: A horizontal line and what it means, such as the paper's figure.
    """
    drawn = [Series(s.label, thin(s.points), s.color, s.dash) for s in series if s.points]
    if not drawn:
        return ""
    ys = [y for s in drawn for _, y in s.points] + ([level[1]] if level else [])
    xs = [x for s in drawn for x, _ in s.points]
    log = min(ys) > 0 and max(ys) / min(ys) > 20
    across = _Axis(min(xs), max(xs), _LEFT, WIDTH - _RIGHT)
    up = _Axis(min(ys), max(ys), HEIGHT - _BOTTOM, _TOP, log=log, roomy=True)
    parts = [_grid(across, up, x_label, y_label)]
    if level:
        parts.append(_level(up, *level))
    parts += [_line(s, across, up) for s in drawn]
    spoken = "; ".join(f"{s.label}: last {number(s.points[-1][1])}" for s in drawn)
    facts = {
        "x": x_label,
        "series": [
            {
                "label": s.label,
                "color": s.color % COLORS,
                "points": [[round(across(x), 1), round(up(y), 1), number(y)] for x, y in s.points],
                "xs": [number(x) for x, _ in s.points],
            }
            for s in drawn
        ],
    }
    return _figure(title, _legend(drawn), "".join(parts), spoken, facts)


def _figure(title: str, legend: str, drawing: str, spoken: str, facts: object) -> str:
    return (
        f'<figure class="chart"><figcaption>{escape(title)}</figcaption>{legend}'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" tabindex="0" '
        f'aria-label="{escape(f"{title}. {spoken}")}">{drawing}'
        f'<g class="cursor" hidden><line y1="{_TOP}" y2="{HEIGHT - _BOTTOM}"></line></g></svg>'
        '<output class="reading" aria-live="polite"></output>'
        f'<script type="application/json">{_json(facts)}</script></figure>'
    )


def scatter_chart(
    points: Sequence[Point],
    *,
    title: str,
    x_label: str,
    y_label: str,
    x_log: bool = False,
    names: Sequence[str] = (),
) -> str:
    """A chart of single points as a ``<figure>``; an empty string if there are none.

    Args:
        points: ``(x, y)``, in any order.
        title: Above it.
        x_label: For the x axis.
        y_label: For the y axis, with its unit.
        x_log: The x axis is logarithmic; all x must be positive.
        names: Names of x = 0, 1, 2 …, for values that are not numbers.
    """
    if not points:
        return ""
    drawn = sorted(points)
    xs, ys = [x for x, _ in drawn], [y for _, y in drawn]
    ends = (-0.5, len(names) - 0.5) if names else (min(xs), max(xs))
    across = _Axis(*ends, _LEFT, WIDTH - _RIGHT, log=x_log, roomy=not names)
    up = _Axis(min(ys), max(ys), HEIGHT - _BOTTOM, _TOP, roomy=True)
    dots = "".join(
        f'<circle class="f0" cx="{across(x):.1f}" cy="{up(y):.1f}" r="4"/>' for x, y in drawn
    )
    written = [names[int(x)] if names else number(x) for x in xs]
    spoken = "; ".join(f"{x}: {number(y)}" for x, y in zip(written, ys, strict=True))
    places = [[round(across(x), 1), round(up(y), 1), number(y)] for x, y in drawn]
    only = {"label": y_label, "color": 0, "points": places, "xs": written}
    return _figure(
        title,
        "",
        f"{_grid(across, up, x_label, y_label, names)}{dots}",
        spoken,
        {"x": x_label, "series": [only]},
    )


def bar(share: float, color: int = 0) -> str:
    """A small horizontal bar for a table's cell, 0 to 1 of its width."""
    width = 100 * min(1.0, max(0.0, share))
    return (
        '<svg class="cell" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="f{color % COLORS}" width="{width:.1f}" height="8"></rect></svg>'
    )


def number(value: float) -> str:
    """A number formatted for people.

    >>> number(20000), number(31.0712), number(0.00214), number(2.5e-05)
    ('20,000', '31.07', '0.00214', '2.5e-05')
    """
    size = abs(value)
    if size >= 1000 or value == int(value):
        return f"{value:,.0f}"
    if size >= 1:
        return f"{value:.4g}"
    return f"{value:.3g}"


def thin(points: Sequence[Point]) -> list[Point]:
    """A few hundred points at most: each is the mean of those at its position."""
    if len(points) <= _MOST_POINTS:
        return list(points)
    step = len(points) / _MOST_POINTS
    out = []
    for i in range(_MOST_POINTS):
        part = points[int(i * step) : max(int(i * step) + 1, int((i + 1) * step))]
        out.append((part[-1][0], sum(y for _, y in part) / len(part)))
    return out


class _Axis:
    """Maps values to positions in the drawing, and chooses its tick values."""

    def __init__(
        self,
        low: float,
        high: float,
        start: float,
        end: float,
        *,
        log: bool = False,
        roomy: bool = False,
    ) -> None:
        self.log = log
        if log:
            low, high = math.log10(low), math.log10(high)
        if high - low < 1e-12 * max(1.0, abs(high)):
            room = abs(high) * 0.05 or 1.0
            low, high = low - room, high + room
        elif roomy:
            room = 0.05 * (high - low)
            low, high = low - room, high + room
        self.low, self.high, self.start, self.end = low, high, start, end

    def __call__(self, value: float) -> float:
        value = math.log10(value) if self.log else value
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Round values inside."""
        if self.log:
            powers = range(math.floor(self.low), math.ceil(self.high) + 1)
            for steps in ((1,), (1, 3), (1, 2, 5)):
                values = [s * 10.0**p for p in powers for s in steps]
                inside = [v for v in values if self.low <= math.log10(v) <= self.high]
                if len(inside) >= 3:
                    return inside
            return inside
        span = self.high - self.low
        step = 10.0 ** math.floor(math.log10(span / 4))
        step *= next(m for m in (1, 2, 5, 10) if span / (step * m) <= 6)
        first = math.ceil(self.low / step - 1e-9)
        count = math.floor(self.high / step + 1e-9) - first + 1
        # Rounded, so that 0.30000000000000004 is written as 0.3.
        return [round((first + i) * step, 12) for i in range(count)]


def _grid(across: _Axis, up: _Axis, x_label: str, y_label: str, names: Sequence[str] = ()) -> str:
    parts = []
    for value in up.ticks():
        y = up(value)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{number(value)}</text>'
        )
    ticks = {float(i): name for i, name in enumerate(names)}
    for value, text in (ticks or {v: _short(v) for v in across.ticks()}).items():
        x = across(value)
        parts.append(
            f'<text x="{x:.1f}" y="{HEIGHT - _BOTTOM + 18}" text-anchor="middle">'
            f"{escape(text)}</text>"
        )
    middle = (_TOP + HEIGHT - _BOTTOM) / 2
    logarithmic = " (logarithmic)"
    x_label += logarithmic if across.log else ""
    y_label += logarithmic if up.log else ""
    parts.append(
        f'<line class="axis" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{HEIGHT - _BOTTOM}" '
        f'y2="{HEIGHT - _BOTTOM}"/>'
        f'<text x="{WIDTH - _RIGHT}" y="{HEIGHT - 6}" text-anchor="end">{escape(x_label)}</text>'
        f'<text transform="translate(11 {middle}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_label)}</text>"
    )
    return "".join(parts)


def _short(value: float) -> str:
    if abs(value) >= 1e6:
        return f"{value / 1e6:g} M"
    return f"{value / 1e3:g} k" if abs(value) >= 1e4 else number(value)


def _level(up: _Axis, label: str, value: float) -> str:
    y = up(value)
    return (
        f'<line class="level" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="level" x="{WIDTH - _RIGHT - 4}" y="{y - 5:.1f}" text-anchor="end">'
        f"{escape(label)}</text>"
    )


def _line(series: Series, across: _Axis, up: _Axis) -> str:
    dash = _DASHES[series.dash % len(_DASHES)]
    style = f' stroke-dasharray="{dash}"' if dash else ""
    color = series.color % COLORS
    places = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in series.points)
    line = f'<polyline class="l{color}"{style} points="{places}"/>'
    if len(series.points) <= 2:
        line += "".join(
            f'<circle class="f{color}" cx="{across(x):.1f}" cy="{up(y):.1f}" r="3.5"/>'
            for x, y in series.points
        )
    return line


def _legend(series: Sequence[Series]) -> str:
    if len(series) < 2:
        return ""
    items = []
    for s in series:
        dash = _DASHES[s.dash % len(_DASHES)]
        style = f' stroke-dasharray="{dash}"' if dash else ""
        items.append(
            '<li><svg viewBox="0 0 26 8" aria-hidden="true">'
            f'<line class="l{s.color % COLORS}"{style} x1="0" x2="26" y1="4" y2="4"/></svg>'
            f"{escape(s.label)}</li>"
        )
    return f'<ul class="legend">{"".join(items)}</ul>'


def _json(value: object) -> str:
    # A label must not end the script element.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
