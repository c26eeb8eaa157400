"""Contact sheets: labelled crops of several outputs, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crispen.evaluate.compare import choose_windows
from crispen.evaluate.lettering import draw_text, line_height

Bytes = NDArray[np.uint8]
Cell = tuple[str, str, Bytes]
CUT_PX = 40
_CELL_PX = 160
_GAP_PX = 6
_PAPER, _INK, _FAINT = 255, 24, 113


def plate(rows: Sequence[Sequence[Cell]], *, columns: int = 0, cell_px: int = _CELL_PX) -> Bytes:
    """A contact sheet, ``(height, width, 3)``: rows of pictures, each above its title and note.

    Args:
        rows: Title, note and ``(h, w, 3)`` pixels of each cell. Small pictures are enlarged by
            an integer factor without interpolation.
        columns: Maximum number of cells in a row; 0 for no limit.
        cell_px: Side of a cell in pixels.
    """
    broken = [
        row[i : i + (columns or len(row))]
        for row in rows
        for i in range(0, len(row), columns or len(row))
    ]
    across = max(len(row) for row in broken)
    width = across * (cell_px + _GAP_PX) + _GAP_PX
    parts = [_paper(_GAP_PX, width)]
    for row in broken:
        parts += [
            _joined([_fitted(pixels, cell_px) for _, _, pixels in row], width),
            _joined([_text(title, _INK, cell_px) for title, _, _ in row], width),
        ]
        if any(note for _, note, _ in row):
            parts.append(_joined([_text(note, _FAINT, cell_px) for _, note, _ in row], width))
        parts.append(_paper(_GAP_PX, width))
    return np.concatenate(parts)


def same_place(
    target: Bytes,
    answers: Sequence[tuple[str, str, Bytes]],
    *,
    between: tuple[int, int] = (0, -1),
    side: int = CUT_PX,
) -> list[Cell]:
    """The same crop of all outputs and the target, where two of the outputs differ most.

    Args:
        target: ``(h, w, 3)``; its crop comes last.
        answers: Title, note and ``(h, w, 3)`` pixels of each output.
        between: Indices of the two outputs that determine the crop.
        side: Side of the crop in pixels; smaller pictures give a smaller crop.
    """
    side = min(side, *target.shape[:2])
    (window,) = choose_windows(answers[between[0]][2], answers[between[1]][2], side, 1)
    cells = [(title, note, window.cut(pixels)) for title, note, pixels in answers]
    return [*cells, ("target", "", window.cut(target))]


def _paper(height: int, width: int) -> Bytes:
    return np.full((height, width, 3), _PAPER, np.uint8)


def _fitted(pixels: Bytes, side: int) -> Bytes:
    factor = max(1, side // max(pixels.shape[:2]))
    large = pixels.repeat(factor, 0).repeat(factor, 1)[:side, :side]
    cell = _paper(side, side)
    top, left = ((side - n) // 2 for n in large.shape[:2])
    cell[top : top + large.shape[0], left : left + large.shape[1]] = large
    return cell


def _text(text: str, ink: int, width: int) -> Bytes:
    cover = draw_text(text, width)[..., None] / 255.0 if text else np.zeros((line_height(), 1, 1))
    grey = np.round(_PAPER * (1 - cover) + ink * cover)
    return np.broadcast_to(grey, (line_height(), width, 3)).astype(np.uint8)


def _joined(cells: Sequence[Bytes], width: int) -> Bytes:
    height = cells[0].shape[0]
    canvas = _paper(height, width)
    left = _GAP_PX
    for cell in cells:
        canvas[:, left : left + cell.shape[1]] = cell
        left += cell.shape[1] + _GAP_PX
    return canvas
