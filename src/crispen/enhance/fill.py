"""Fills transparent pixels with colour, so that hidden values never bleed into visible ones.

Each fully transparent pixel takes the mean colour of the visible ones around it, weighted by
their alpha, from the smallest of a few square neighbourhoods that holds any. Sums are whole
numbers, so the result does not depend on how the picture was split into bands. Pixels farther from
anything visible than the largest neighbourhood become black: the result does not depend
on hidden colour at all.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from crispen.engines.base import Pixels
from crispen.enhance.box_sums import box_sums
from crispen.enhance.rows import Rows


def fill_hidden(pixels: Pixels, radius: int) -> Pixels:
    """`pixels` with colour under alpha 0 taken from within `radius`.

    Args:
        pixels: ``(rows, width, 2 or 4)``, alpha last.
        radius: Chebyshev distance to look, 1 or more.
    """
    alpha = pixels[..., -1:]
    hidden = alpha[..., 0] == 0
    if not hidden.any():
        return pixels
    out = pixels.copy()
    out[hidden] = 0
    weights = alpha.astype(np.int64)
    colors = pixels[..., :-1].astype(np.int64) * weights
    reach = 1
    while True:
        reach = min(reach, radius)
        weight = box_sums(weights, reach)[..., 0]
        found = hidden & (weight > 0)
        if found.any():
            near = weight[found][:, None]
            out[found, :-1] = (box_sums(colors, reach)[found] + near // 2) // near
            hidden &= ~found
        if reach == radius or not hidden.any():
            return out
        reach *= 2


def filled_frame(bands: Iterator[Pixels], height: int, radius: int) -> Iterator[Pixels]:
    """The bands of one frame with hidden colour filled in."""
    rows = Rows(bands)
    step = max(64, 2 * radius)
    for start in range(0, height, step):
        stop = min(height, start + step)
        first = max(0, start - radius)
        block = rows.take(first, min(height, stop + radius))
        yield fill_hidden(block, radius)[start - first : stop - first]
