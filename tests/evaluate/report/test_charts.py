"""Charts: what is drawn where, and what a page is told."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crispen.evaluate.report.charts import (
    HEIGHT,
    WIDTH,
    Series,
    bar,
    line_chart,
    number,
    scatter_chart,
    thin,
)

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)


def chart(*series: Series, **options: object) -> str:
    return line_chart(series, title="T", x_label="step", y_label="dB", **options)  # type: ignore[arg-type]


def polyline(text: str, index: int = 0) -> list[tuple[float, float]]:
    places = re.findall(r'<polyline[^>]* points="([^"]*)"', text)[index]
    return [tuple(map(float, p.split(","))) for p in places.split()]  # type: ignore[misc]


def test_points_keep_order_and_proportion() -> None:
    places = polyline(chart(Series("a", [(0, 10), (50, 20), (100, 15)])))
    (x0, y0), (x1, y1), (x2, y2) = places
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    # Up is less, and 15 lies between.
    assert y1 < y2 < y0
    assert y2 == pytest.approx((y0 + y1) / 2, abs=0.2)


def test_a_wide_range_is_logarithmic() -> None:
    text = chart(Series("loss", [(0, 100.0), (1, 1.0), (2, 0.01)]))
    (_, y0), (_, y1), (_, y2) = polyline(text)
    assert y1 - y0 == pytest.approx(y2 - y1, abs=0.2)
    assert "logarithmic" in text


def test_values_down_to_zero_are_linear() -> None:
    assert "logarithmic" not in chart(Series("loss", [(0, 100.0), (1, 0.0)]))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=40))
def test_everything_is_inside_and_well_formed(points: list[tuple[float, float]]) -> None:
    text = chart(Series("a", sorted(points)), level=("paper", 3.0))
    for x, y in polyline(text):
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT
    ElementTree.fromstring(text.replace("hidden>", 'hidden="">'))


def test_nothing_to_draw() -> None:
    assert chart() == ""
    assert chart(Series("a", [])) == ""


def test_one_point_is_a_dot() -> None:
    assert "<circle" in chart(Series("a", [(5, 5)]))


def test_labels_cannot_break_out() -> None:
    text = chart(Series("</script><b>", [(0, 1), (1, 2), (2, 3)]), Series("b", [(0, 2)]))
    assert "</script><b>" not in text
    data = re.search(r'<script type="application/json">(.*?)</script>', text, re.DOTALL)
    assert data is not None
    facts = json.loads(data[1])
    assert facts["series"][0]["label"] == "</script><b>"
    assert [p[2] for p in facts["series"][0]["points"]] == ["1", "2", "3"]


def test_a_chart_is_read_out() -> None:
    text = chart(Series("run <a>", [(0, 1.0), (1, 31.254)]))
    assert 'aria-label="T. run &lt;a&gt;: last 31.25"' in text
    assert 'tabindex="0"' in text


def test_long_curves_are_thinned_by_means() -> None:
    points = [(float(i), float(i % 2)) for i in range(6400)]
    thinned = thin(points)
    assert len(thinned) == 320
    assert thinned[-1] == (6399.0, 0.5)
    assert thin(points[:5]) == points[:5]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1234567, "1,234,567"), (28.256, "28.26"), (0.00077, "0.00077"), (-3.5, "-3.5")],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


def test_bars_stay_in_their_cell() -> None:
    assert 'width="100.0"' in bar(7)
    assert 'width="0.0"' in bar(-1)


def dots(text: str) -> list[tuple[float, float]]:
    return [
        (float(x), float(y)) for x, y in re.findall(r'<circle[^>]* cx="([^"]*)" cy="([^"]*)"', text)
    ]


def test_a_logarithmic_axis_spaces_factors_evenly() -> None:
    points = [(1e-2, 3.0), (1e-4, 1.0), (1e-3, 2.0)]
    text = scatter_chart(points, title="T", x_label="rate", y_label="dB", x_log=True)
    (x0, y0), (x1, y1), (x2, y2) = dots(text)
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert y0 > y1 > y2
    assert "rate (logarithmic)" in text
    ElementTree.fromstring(text.replace("hidden>", 'hidden="">'))


def test_names_stand_below_their_points() -> None:
    text = scatter_chart(
        [(1, 2.0), (0, 1.0)], title="T", x_label="k", y_label="dB", names=["a", "<b>"]
    )
    (x0, _), (x1, _) = dots(text)
    names = re.findall(r'<text x="([^"]*)" y="\d+" text-anchor="middle">([^<]*)<', text)
    assert names == [(f"{x0:.1f}", "a"), (f"{x1:.1f}", "&lt;b&gt;")]
    assert scatter_chart([], title="T", x_label="k", y_label="dB") == ""
