"""A comparison as one picture: panels side by side, and below each the same places enlarged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crispen.evaluate.compare import Bytes, Comparison, Panel, Window, resized
from crispen.evaluate.lettering import draw_text, line_height

PANEL_PX = 480
GAP_PX = 12
PAPER, INK, FAINT = (255, 255, 255), (24, 24, 27), (113, 113, 122)
# Distinguishable with colour blindness too (Okabe and Ito).
COLORS = ((230, 159, 0), (0, 158, 115), (86, 180, 233), (204, 121, 167))
_FRAME_PX = 4


def make_sheet(comparison: Comparison) -> Bytes:
    """``(height, width, 3)``: one column for each panel."""
    columns = [_column(panel, comparison.windows) for panel in comparison.panels]
    height = columns[0].shape[0]
    gap = _paper(height, GAP_PX)
    parts: list[Bytes] = [gap]
    for column in columns:
        parts += [column, gap]
    sheet = np.concatenate(parts, axis=1)
    rim = _paper(GAP_PX, sheet.shape[1])
    return np.concatenate([rim, sheet, rim])


def _paper(height: int, width: int) -> Bytes:
    return np.full((height, width, 3), PAPER, np.uint8)


def _column(panel: Panel, windows: tuple[Window, ...]) -> Bytes:
    overview, factor = _overview(panel.pixels)
    for window, color in zip(windows, COLORS, strict=False):
        _outline(overview, window, factor, color)
    parts = [_centred(overview)]
    if windows:
        parts += [_paper(GAP_PX, PANEL_PX), _insets(panel.pixels, windows)]
    parts += [_paper(GAP_PX // 2, PANEL_PX), _text(panel.title, INK), _text(panel.note, FAINT)]
    return np.concatenate(parts)


def _overview(pixels: Bytes) -> tuple[Bytes, float]:
    height, width = pixels.shape[:2]
    factor = min(PANEL_PX / width, PANEL_PX / height)
    # Enlarge by whole factors, as single pixels are visible.
    factor = float(int(factor)) if factor >= 1 else factor
    size = (max(1, round(height * factor)), max(1, round(width * factor)))
    return resized(pixels, *size, "nearest" if factor >= 1 else "bicubic"), factor


def _centred(pixels: Bytes) -> Bytes:
    canvas = _paper(pixels.shape[0], PANEL_PX)
    left = (PANEL_PX - pixels.shape[1]) // 2
    canvas[:, left : left + pixels.shape[1]] = pixels
    return canvas


def _outline(canvas: Bytes, window: Window, factor: float, color: tuple[int, int, int]) -> None:
    top, left = int(window.top * factor), int(window.left * factor)
    bottom = max(top + 1, int((window.top + window.side) * factor))
    right = max(left + 1, int((window.left + window.side) * factor))
    square = canvas[top:bottom, left:right]
    for edge in (
        square[:_FRAME_PX],
        square[-_FRAME_PX:],
        square[:, :_FRAME_PX],
        square[:, -_FRAME_PX:],
    ):
        edge[:] = color


def _insets(pixels: Bytes, windows: tuple[Window, ...]) -> Bytes:
    count = max(len(windows), 2)
    side = (PANEL_PX - (count - 1) * GAP_PX) // count
    row = _paper(side, PANEL_PX)
    for i, (window, color) in enumerate(zip(windows, COLORS, strict=False)):
        left = i * (side + GAP_PX)
        row[:, left : left + side] = color
        inner = side - 2 * _FRAME_PX
        zoomed = resized(window.cut(pixels), inner, inner, "nearest")
        row[_FRAME_PX:-_FRAME_PX, left + _FRAME_PX : left + side - _FRAME_PX] = zoomed
    return row


def _text(text: str, color: tuple[int, int, int]) -> NDArray[np.uint8]:
    cover = (
        draw_text(text, PANEL_PX)[..., None] / 255.0 if text else np.zeros((line_height(), 1, 1))
    )
    line = np.broadcast_to(
        np.asarray(PAPER) * (1 - cover) + np.asarray(color) * cover, (line_height(), PANEL_PX, 3)
    )
    return np.round(line).astype(np.uint8)
