"""ESPCN: the classic efficient sub-pixel network, as the fourth study trained it.

::

    x (N, 1, H, W) ─ 5×5, 64 ─ ReLU ─ 3×3, 64 ─ ReLU ─ 3×3, 32 ─ ReLU ─ 3×3, scale² ─► residual

58,212 parameters at x2. Source: W. Shi et al., "Real-time single image and video
super-resolution using an efficient sub-pixel convolutional neural network", CVPR 2016,
arXiv:1609.05158. The paper has one hidden layer fewer, tanh, and no bicubic base; this is the
four-layer, ReLU form that is in common use, with the base that every network here has.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crispen.lab.networks.base import Upscaler


class ESPCN(Upscaler):
    """5-3-3-3 convolutions with 64-64-32-scale² filters, ReLU, sub-pixel shuffle."""

    def __init__(self, scale: int, channels: int = 1) -> None:
        super().__init__(scale, channels)
        self.halo = 5
        self.conv1 = nn.Conv2d(channels, 64, 5, padding=2)
        self.conv2 = nn.Conv2d(64, 64, 3, padding=1)
        self.conv3 = nn.Conv2d(64, 32, 3, padding=1)
        self.tail = nn.Conv2d(32, channels * scale * scale, 3, padding=1)
        for conv in (self.conv1, self.conv2, self.conv3):
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
        with torch.no_grad():
            self.tail.weight.mul_(0.1)
            self.tail.bias.zero_()  # type: ignore[union-attr]

    def residual(self, x: Tensor) -> Tensor:
        """See `Upscaler.residual`."""
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = F.relu(self.conv3(x))
        return self.tail(x)  # type: ignore[no-any-return]

    def merged(self) -> ESPCN:
        """Nothing to merge."""
        return self
