"""One picture under every degradation, as one labelled sheet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crispen.evaluate.compare import Bytes, Comparison, Panel, resized
from crispen.evaluate.sheet import GAP_PX, PANEL_PX, PAPER, make_sheet
from crispen.lab.degradations import Degradation
from crispen.lab.degradations.catalogue import EXAMPLES
from crispen.lab.degradations.picture import degrade_image, scale_of
from crispen.lab.degradations.spec import KINDS, parse_degradation
from crispen.media.image import Image

COLUMNS = 3


def make_gallery(image: Image, *, seed: int = 0) -> Bytes:
    """``(height, width, 3)``: the picture, then all degradations, labelled as one types them.

    A picture larger than a panel is shrunk first, so that a pixel of the sheet is one of the
    degraded picture.

    Args:
        image: The picture; its first frame is shown.
        seed: Of the degradations.
    """
    original = _fitted(image.as_rgb8())
    panels = [Panel("original", f"{original.shape[1]}×{original.shape[0]} px", original)]
    for kind in KINDS:
        table = parse_degradation(EXAMPLES.get(kind, kind))
        panels.append(Panel(_title(table, kind), _note(table), example(original, table, seed=seed)))
    return _grid(panels)


def example(pixels: Bytes, table: Degradation, *, seed: int = 0) -> Bytes:
    """A degraded picture of the same size: pixels are repeated if there are fewer.

    Args:
        pixels: ``(height, width, 3)``.
        table: The degradation.
        seed: Of its randomness.
    """
    scale = scale_of([table], None)
    bad = degrade_image(Image(pixels), [table], seed=seed, scale=scale).as_rgb8()
    whole = bad.repeat(scale, axis=0).repeat(scale, axis=1)
    return np.ascontiguousarray(whole[: pixels.shape[0], : pixels.shape[1]])


def _title(table: Degradation, kind: str) -> str:
    parts = getattr(table, "parts", ())
    return f"{kind}: {', '.join(part.kind for part in parts)}" if parts else EXAMPLES[kind]


def _note(table: Degradation) -> str:
    return (table.__doc__ or "").partition("\n")[0].partition(":")[0].replace("``", "").rstrip(".")


def _fitted(pixels: Bytes) -> Bytes:
    height, width = pixels.shape[:2]
    factor = min(1.0, PANEL_PX / max(height, width))
    size = (max(1, round(height * factor)), max(1, round(width * factor)))
    return pixels if factor == 1 else resized(pixels, *size, "bicubic")


def _grid(panels: Sequence[Panel]) -> Bytes:
    rows = [
        make_sheet(Comparison(tuple(panels[i : i + COLUMNS]), ()))
        for i in range(0, len(panels), COLUMNS)
    ]
    width = COLUMNS * (PANEL_PX + GAP_PX) + GAP_PX
    full = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0))) for row in rows]
    for sheet, row in zip(full, rows, strict=True):
        sheet[:, row.shape[1] :] = PAPER
    return np.concatenate(full)
