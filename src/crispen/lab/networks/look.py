"""The network that estimates how degraded a picture is.

::

    x (N, 3, 96, 96) ─ beside its fine detail, magnified ─ 3×3 convolutions, three of stride 2
      ─ mean and spread of each channel ─ two dense layers ─► (N, 6)

For each dial (`crispen.models.dials`) it outputs the value and the logarithm of its variance: flat
sky says nothing about blur, and the network knows that. So crops of one picture are averaged,
weighted by their certainty.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crispen.models.dials import NAMES

SIDE = 96
_MAGNIFIED = 24.0
_WIDTHS = (24, 32, 32, 48, 64)
_STRIDES = (1, 2, 1, 2, 2)
_LEAST = -9.0


class LookNetwork(nn.Module):
    """``(N, 3, SIDE, SIDE)`` R'G'B' in [0, 1] → ``(N, 6)``: three dials, three log-variances."""

    def __init__(self) -> None:
        super().__init__()
        channels = (6, *_WIDTHS)
        self.layers = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride)
            for a, b, stride in zip(channels, channels[1:], _STRIDES, strict=False)
        )
        count = len(NAMES)
        self.dense = nn.Sequential(
            nn.Linear(2 * channels[-1], 64), nn.ReLU(), nn.Linear(64, 2 * count)
        )
        self.count = count

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        smooth = F.avg_pool2d(x, 3, 1)
        fine = torch.tanh((x[..., 1:-1, 1:-1] - smooth) * _MAGNIFIED)
        y = torch.cat([(x[..., 1:-1, 1:-1] - 0.5) * 2, fine], dim=1)
        for layer in self.layers:
            y = F.relu(layer(y))
        mean = y.mean(dim=(2, 3))
        spread = (y - mean[:, :, None, None]).square().mean(dim=(2, 3)).add(1e-6).sqrt()
        out = self.dense(torch.cat([mean, spread], dim=1))
        value = torch.sigmoid(out[:, : self.count])
        return torch.cat([value, out[:, self.count :].clamp(_LEAST, 2.0)], dim=1)
