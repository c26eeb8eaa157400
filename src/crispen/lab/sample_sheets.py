"""Sample sheets: input, output, target and difference of a few pictures, one per row.

The difference between output and target is amplified four times. Small pictures are enlarged so
that each pixel is visible.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from crispen.evaluate.lettering import draw_text, line_height
from crispen.evaluate.metrics import luma255, psnr, round8
from crispen.lab.networks import Network
from crispen.lab.validation import Case, run_whole
from crispen.media.image import Image, write_image

ROWS = 4
CELL_PX = 224
AMPLIFIED = 4
_CUT_PX = 112
_GAP_PX = 8
_PAPER, _INK = 255, 24
Bytes = NDArray[np.uint8]


def make_sheet(network: Network, cases: list[Case]) -> Bytes:
    """A sheet of the first four cases, ``(height, width, 3)`` R'G'B', with labels and PSNR."""
    titles = ("input", "output", "target", f"difference ×{AMPLIFIED}")
    rows = [_line(titles)]
    for case in cases[:ROWS]:
        x, target = _middle(case, network)
        with torch.no_grad():
            out = run_whole(network, x).clamp(0.0, 1.0)
        before, made, wanted = (_pixels(t) for t in (x, out, target))
        difference = np.abs(made.astype(int) - wanted) * AMPLIFIED
        panels = (before, made, wanted, np.minimum(difference, 255).astype(np.uint8))
        notes = (
            "" if before.shape != wanted.shape else _decibels(before, wanted),
            _decibels(made, wanted),
            case.name,
            "",
        )
        rows += [_row([_cell(p) for p in panels]), _line(notes)]
    return np.concatenate(rows)


def write_sheet(network: Network, cases: list[Case], path: Path) -> None:
    """Writes a sample sheet as a picture; replaces an existing file.

    Raises:
        OutputError: The file cannot be written.
    """
    write_image(Image(make_sheet(network, cases)), path, overwrite=True)


def _middle(case: Case, network: Network) -> tuple[Tensor, Tensor]:
    """Centre crops of a case's input and target, aligned to the network's multiple."""
    scale, step = network.scale, network.window_px or network.multiple
    sides = []
    for n in case.input.shape[-2:]:
        side = min(n, max(step, _CUT_PX // scale // step * step))
        start = (n - side) // 2 // step * step
        sides.append((start, side))
    (top, height), (left, width) = sides
    x = case.input[..., top : top + height, left : left + width]
    top, left, height, width = (scale * n for n in (top, left, height, width))
    return x, case.target[..., top : top + height, left : left + width]


def _pixels(x: Tensor) -> Bytes:
    levels = np.round(x[0].float().cpu().numpy().transpose(1, 2, 0) * 255.0)
    return np.broadcast_to(levels, (*levels.shape[:2], 3)).astype(np.uint8)


def _decibels(image: Bytes, reference: Bytes) -> str:
    value = psnr(round8(luma255(image)), luma255(reference), border=0)
    return f"{value:.2f} dB" if np.isfinite(value) else "equal"


def _cell(pixels: Bytes) -> Bytes:
    factor = max(1, CELL_PX // max(pixels.shape[:2]))
    large = pixels.repeat(factor, 0).repeat(factor, 1)[:CELL_PX, :CELL_PX]
    cell = np.full((CELL_PX, CELL_PX, 3), _PAPER, np.uint8)
    top, left = ((CELL_PX - n) // 2 for n in large.shape[:2])
    cell[top : top + large.shape[0], left : left + large.shape[1]] = large
    return cell


def _row(cells: list[Bytes]) -> Bytes:
    gap = np.full((cells[0].shape[0], _GAP_PX, 3), _PAPER, np.uint8)
    parts = [gap]
    for cell in cells:
        parts += [cell, gap]
    return np.concatenate(parts, axis=1)


def _line(texts: tuple[str, ...]) -> Bytes:
    cells = []
    for text in texts:
        if text:
            cover = draw_text(text, CELL_PX)[..., None] / 255.0
        else:
            cover = np.zeros((line_height(), CELL_PX, 1))
        grey = np.round(_PAPER * (1 - cover) + _INK * cover)
        cells.append(np.broadcast_to(grey, (*grey.shape[:2], 3)).astype(np.uint8))
    return _row(cells)
