"""The residual network of the residual study, on the bilinearly enlarged picture.

::

    x (N, C, H, W) ─ bilinear ─ (N, C, sH, sW) ─ 3×3, 64
      ─ 2 × [ block ─ block ─ + ]           block: 3×3, 64 ─ BN ─ PReLU ─ dropout
      ─ 3×3, C ─► picture (N, C, sH, sW)

151,751 parameters on RGB: 1,792 + 4 · (36,928 + 128 + 1) + 1,731. With ``skip`` the bilinear
picture is added at the end, so that the layers need not carry it; the study did without.

Residual blocks: K. He et al., "Deep residual learning for image recognition", CVPR 2016,
arXiv:1512.03385.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from crispen.lab.networks.base import Architecture, Network
from crispen.lab.networks.reach import bilinear, conv, halo


class ResidualTable(Architecture):
    """Residual blocks on the bilinear picture (`crispen.lab.networks.residual`)."""

    kind: Literal["residual"] = "residual"
    width: int = Field(64, ge=4, le=256, description="channels of each hidden layer")
    blocks: int = Field(2, ge=1, le=32, description="residual blocks of two convolution blocks")
    dropout: float = Field(0.1, ge=0, lt=1, description="share of values dropped in training")
    skip: bool = Field(False, description="add the bilinear picture to the answer")

    def build(self, scale: int, channels: int) -> Residual:
        """See `Architecture.build`."""
        return Residual(scale, channels, self.width, self.blocks, self.dropout, skip=self.skip)

    def describe(self) -> str:
        """See `Architecture.describe`."""
        return (
            f"{self.blocks} residual blocks of two 3x3 convolutions, {self.width} channels, "
            "on the bilinear picture"
        )


class ResidualBlock(nn.Module):
    """Two blocks of convolution, batch normalisation, PReLU and dropout, and their input."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [
                nn.Conv2d(width, width, 3, padding=1),
                nn.BatchNorm2d(width),
                nn.PReLU(),
                nn.Dropout(dropout),
            ]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape as `x`."""
        return x + self.layers(x)  # type: ignore[no-any-return]


class Residual(Network):
    """Bilinear enlarging, a convolution, residual blocks, a convolution."""

    def __init__(
        self,
        scale: int,
        channels: int = 3,
        width: int = 64,
        blocks: int = 2,
        dropout: float = 0.1,
        *,
        skip: bool = False,
    ) -> None:
        super().__init__(scale, channels)
        self.halo = halo(bilinear(scale), *[conv(3)] * (2 * blocks + 2), scale=scale)
        self.skip = skip
        self.head = nn.Conv2d(channels, width, 3, padding=1)
        self.blocks = nn.Sequential(*(ResidualBlock(width, dropout) for _ in range(blocks)))
        self.tail = nn.Conv2d(width, channels, 3, padding=1)
        if skip:
            with torch.no_grad():
                # Start as plain bilinear.
                self.tail.weight.mul_(0.1)
                self.tail.bias.zero_()  # type: ignore[union-attr]

    def forward(self, x: Tensor) -> Tensor:
        """The finished picture."""
        if self.scale > 1:
            x = F.interpolate(x, scale_factor=self.scale, mode="bilinear", align_corners=False)
        answer = self.tail(self.blocks(self.head(x))).float()
        return self.finish(x.float() + answer if self.skip else answer)
