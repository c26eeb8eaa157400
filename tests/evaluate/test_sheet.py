"""A comparison as one picture."""

from __future__ import annotations

import numpy as np

from crispen.evaluate.compare import Comparison, Panel, Window
from crispen.evaluate.sheet import COLORS, GAP_PX, PANEL_PX, PAPER, make_sheet

BEFORE = np.full((40, 60, 3), 10, np.uint8)
AFTER = np.full((40, 60, 3), 250, np.uint8)


def comparison(*windows: Window) -> Comparison:
    return Comparison((Panel("before", "", BEFORE), Panel("after", "better", AFTER)), windows)


def test_one_column_for_each_panel_between_gaps() -> None:
    sheet = make_sheet(comparison())
    assert sheet.dtype == np.uint8
    assert sheet.shape[1:] == (2 * PANEL_PX + 3 * GAP_PX, 3)
    assert (sheet[:, :GAP_PX] == PAPER).all()
    assert (sheet[GAP_PX + 5, GAP_PX : GAP_PX + PANEL_PX] == 10).all()
    assert (sheet[GAP_PX + 5, 2 * GAP_PX + PANEL_PX : -GAP_PX] == 250).all()


def test_places_are_framed_in_both_and_enlarged_below() -> None:
    plain = make_sheet(comparison())
    framed = make_sheet(comparison(Window(top=4, left=6, side=8)))
    assert framed.shape[0] > plain.shape[0]
    found = (framed == COLORS[0]).all(axis=2)
    for left in (GAP_PX, 2 * GAP_PX + PANEL_PX):
        column = found[:, left : left + PANEL_PX]
        assert column[: plain.shape[0] // 2].any()  # the outline
        assert column[320 + GAP_PX :].any()  # the frame of the enlarged place
