"""Some crops in pure black and white, like text and line art.

Photographs rarely contain the hardest possible edges. A network that never saw them guesses badly
there, and one with clipped activations guesses worst.
"""

from __future__ import annotations

import torch
from torch import Tensor

from crispen.lab.data.tables import Color

BLACK, WHITE = 16.0 / 255.0, 235.0 / 255.0
"""Of the luma that networks learn."""


def make_bilevel(crops: Tensor, share: float, color: Color, generator: torch.Generator) -> Tensor:
    """Thresholds about `share` of the crops at their own mean into black and white.

    Args:
        crops: ``(N, C, H, W)`` in [0, 1].
        share: From 0 to 1.
        color: Defines the levels of black and white.
        generator: On the crops' device; decides which.

    Returns:
        The same shape, in a new tensor.
    """
    drawn = torch.rand(len(crops), 1, 1, 1, generator=generator, device=crops.device)
    black, white = (BLACK, WHITE) if color == "luma" else (0.0, 1.0)
    grey = crops.mean(1, keepdim=True)
    bright = grey > grey.mean((2, 3), keepdim=True)
    cut = torch.where(bright, white, black).expand_as(crops)
    return torch.where(drawn < share, cut, crops)
