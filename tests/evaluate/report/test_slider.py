"""A comparison under a line that can be dragged."""

from __future__ import annotations

import re

import numpy as np
import pytest

from crispen.evaluate.compare import Comparison, Panel, Window
from crispen.evaluate.report import slider as module
from crispen.evaluate.report.slider import make_page, slider

PIXELS = np.zeros((20, 30, 3), np.uint8)
PANELS = tuple(Panel(title, note, PIXELS) for title, note in (("a<b", ""), ("after", "30 dB")))
COMPARISON = Comparison(PANELS, (Window(1, 2, 8), Window(10, 4, 8)))


def test_every_panel_can_be_on_either_side() -> None:
    page = slider(COMPARISON)
    for side, chosen in (("0", 0), ("1", 1)):
        assert f'<option value="{side}" selected>' in page, chosen
    assert page.count("<option") == 4
    assert page.count("data:image/png") == 2
    assert "a&lt;b" in page
    assert "a<b" not in page


def test_places_are_buttons_with_their_squares() -> None:
    found = re.findall(
        r'data-left="(\d+)" data-top="(\d+)"\s+data-side="(\d+)"', slider(COMPARISON)
    )
    assert found == [("1", "2", "8"), ("10", "4", "8")]


def test_a_large_page_is_jpeg_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "data:image/jpeg" not in make_page(COMPARISON)
    monkeypatch.setattr(module, "LOSSLESS_PIXELS", 100)
    page = make_page(COMPARISON)
    assert "data:image/jpeg" in page
    assert "JPEG of quality 95" in page
