"""Measures how well a vivid result shrinks back to the repaired picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crispen.enhance.modelfile import ModelFile
from crispen.media.resample import resize

# Side of the sample: enough to contain detail, and cheap beside the work on a picture.
_SIDE = 192
# Blur of the assumed lens, in pixels of the input.
_LENS = 0.5


def difference(vivid: ModelFile, faithful: ModelFile, pixels: NDArray[np.uint8]) -> float:
    """The mean difference of both networks' results, shrunk again, in levels of 255.

    They are blurred by half a pixel of the input, as by a lens, and shrunk bicubically. It is
    measured at the middle of the picture.

    Args:
        vivid: The network that made the result.
        faithful: The same network, set to invent nothing.
        pixels: ``(height, width, 3)`` R'G'B' of the input.
    """
    height, width = pixels.shape[:2]
    rows, columns = min(height, _SIDE), min(width, _SIDE)
    top, left = (height - rows) // 2, (width - columns) // 2
    crop = np.ascontiguousarray(pixels[top : top + rows, left : left + columns])
    # Both at once: shrinking is linear.
    change = vivid.engine.run(crop).astype(np.float32) - faithful.engine.run(crop)
    change = _blurred(_blurred(change, vivid.card.scale).swapaxes(0, 1), vivid.card.scale)
    return float(np.abs(np.asarray(resize(change.swapaxes(0, 1), rows, columns))).mean())


def _blurred(x: NDArray[np.float32], scale: int) -> NDArray[np.float32]:
    """Along the first axis, by a Gaussian of `_LENS`."""
    radius = 2 * scale
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / (_LENS * scale)) ** 2)
    padded = np.pad(x, ((radius, radius), (0, 0), (0, 0)), "edge")
    parts = (padded[i : i + len(x)] * w for i, w in enumerate(taps / taps.sum()))
    blurred: NDArray[np.float32] = np.sum([*parts], axis=0, dtype=np.float32)
    return blurred
