"""Bicubic shrinking that equals MATLAB's, on batches, on the training device.

``lr = round(C · round(R · hr))`` with the banded matrices of `crispen.media.resample.taps`: two
batched matrix products per step, exact to the last grey level away from the crop's edge.
"""

from __future__ import annotations

import torch
from torch import Tensor

from crispen.media.resample import taps


class BicubicDown:
    """Shrinks crops by `scale` and drops the rim on which the crop's own edge has an influence.

    A crop of ``scale · (size + 2 · rim)`` pixels gives ``size`` LR pixels, all of them equal to
    those of the whole picture.

    Attributes:
        rim: LR pixels to drop on each side.
    """

    rim = 2

    def __init__(self, scale: int, size: int, device: torch.device | str = "cpu") -> None:
        n_out = size + 2 * self.rim
        full = taps(n_out * scale, n_out, factor=1.0 / scale).matrix(n_out * scale)
        kept = full[self.rim : self.rim + size]
        self.matrix = torch.from_numpy(kept).float().to(device)  # (size, crop)
        self.crop = n_out * scale
        self.scale = scale

    def __call__(self, hr: Tensor) -> tuple[Tensor, Tensor]:
        """``(N, C, crop, crop)`` grey levels 0…255 → LR ``(N, C, size, size)`` and its HR."""
        rows = torch.floor(self.matrix @ hr + 0.5).clamp_(0, 255)
        lr = torch.floor(rows @ self.matrix.T + 0.5).clamp_(0, 255)
        edge = self.rim * self.scale
        return lr, hr[..., edge:-edge, edge:-edge]
