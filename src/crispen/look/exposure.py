"""How a picture is exposed: brightness, contrast, clipping."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MOST_PX = 250_000
_DARK, _BRIGHT = 55.0, 200.0
_FLAT = 110.0
_CLIPPED = 0.02


@dataclass(frozen=True)
class Exposure:
    """Levels are of 255, on BT.601 luma.

    Attributes:
        median: Half of the picture is darker.
        low: One per cent is darker.
        high: One per cent is brighter.
        black: Share of pixels at 0 in all channels.
        white: Share of pixels at 255 in all channels.
    """

    median: float
    low: float
    high: float
    black: float
    white: float

    @property
    def faults(self) -> list[str]:
        """A word for it; empty for a picture that is well exposed."""
        found = []
        if self.high - self.low < _FLAT:
            found.append("low contrast")
        if self.median < _DARK:
            found.append("dark")
        elif self.median > _BRIGHT:
            found.append("bright")
        if self.white > _CLIPPED:
            found.append("clipped highlights")
        return found


def exposure(pixels: NDArray[np.uint8]) -> Exposure:
    """Measured on at most 250,000 pixels, evenly spread.

    Args:
        pixels: ``(height, width, 3)`` R'G'B'.
    """
    step = max(1, int((pixels.shape[0] * pixels.shape[1] / _MOST_PX) ** 0.5))
    few = pixels[::step, ::step].reshape(-1, 3).astype(np.float32)
    luma = few @ np.array([0.299, 0.587, 0.114], np.float32)
    low, median, high = np.percentile(luma, (1, 50, 99)).tolist()
    return Exposure(
        median=median,
        low=low,
        high=high,
        black=float((few.max(axis=1) == 0).mean()),
        white=float((few.min(axis=1) == 255).mean()),
    )
