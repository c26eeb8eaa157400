"""Many small pictures as one: rows and columns with labels above them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crispen.evaluate.lettering import draw_text

Bytes = NDArray[np.uint8]
GAP_PX = 8
PAPER, INK = 255, 24


def make_grid(cells: Sequence[Sequence[tuple[str, Bytes]]]) -> Bytes:
    """One picture of many, each with its label above it.

    Args:
        cells: Rows of labels and pictures ``(height, width, 3)``; pictures in a row have the same
            height, those in a column the same width. A label may extend over empty ones after it;
            a row without labels leaves no room for them.
    """
    rows: list[Bytes] = []
    for row in cells:
        if any(label for label, _ in row):
            rows += [_gap(GAP_PX, row), _labels(row)]
        rows += [_gap(GAP_PX // 2, row), _joined([pixels for _, pixels in row])]
    width = max(part.shape[1] for part in rows)
    rows.append(np.full((GAP_PX, width, 3), PAPER, np.uint8))
    return np.concatenate(
        [
            np.pad(part, ((0, 0), (0, width - part.shape[1]), (0, 0)), constant_values=PAPER)
            for part in rows
        ]
    )


def _labels(row: Sequence[tuple[str, Bytes]]) -> Bytes:
    parts: list[tuple[str, int]] = []
    for text, pixels in row:
        if text or not parts:
            parts.append((text, pixels.shape[1]))
        else:
            before, width = parts[-1]
            parts[-1] = before, width + GAP_PX + pixels.shape[1]
    return _joined([_label(text, width) for text, width in parts])


def _label(text: str, width: int) -> Bytes:
    cover = draw_text(text, width)[..., None] / 255.0
    line = np.round(PAPER * (1 - cover) + INK * cover).astype(np.uint8)
    return np.broadcast_to(line, (*line.shape[:2], 3))


def _joined(parts: Sequence[Bytes]) -> Bytes:
    gap = np.full((parts[0].shape[0], GAP_PX, 3), PAPER, np.uint8)
    spaced = [gap]
    for part in parts:
        spaced += [part, gap]
    return np.concatenate(spaced, axis=1)


def _gap(height: int, row: Sequence[tuple[str, Bytes]]) -> Bytes:
    width = sum(pixels.shape[1] + GAP_PX for _, pixels in row) + GAP_PX
    return np.full((height, width, 3), PAPER, np.uint8)
