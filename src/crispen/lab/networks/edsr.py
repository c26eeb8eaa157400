"""EDSR-baseline: SRResNet without batch normalisation and with ReLU in its blocks only.

::

    x (N, C, H, W) - mean ─ 3×3, 64 ─┬─ 16 × [ 3×3, 64 ─ ReLU ─ 3×3, 64 ─ + ] ─ 3×3, 64 ─ + ─►
                                     └────────────────────────────────────────────────────┘
      ─► [ 3×3, 64·f² ─ shuffle ×f ] for each factor f of scale ─ 3×3, C ─ + mean ─► picture

Parameters on RGB as published: 1,369,859 at x2 ("1,370K"), 1,554,499 at x3 ("1,555K"), 1,517,571 at
x4 ("1,518K"). The large EDSR has ``width = 256, blocks = 32, residual_scale = 0.1``. The mean is
DIV2K's; it is a constant and not counted. EDSR outputs the picture itself.

Source: B. Lim et al., "Enhanced deep residual networks for single image super-resolution", CVPR
workshops 2017, arXiv:1707.02921.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from crispen.lab.networks.activations import (
    DESCRIPTION,
    ReluOrClipped,
    make_activation,
    make_conv,
)
from crispen.lab.networks.base import Architecture, Network
from crispen.lab.networks.reach import Step, conv, halo, spread
from crispen.lab.networks.srresnet import factors

DIV2K_MEAN = (0.4488, 0.4371, 0.4040)


class EdsrTable(Architecture):
    """EDSR; the defaults are its baseline (`crispen.lab.networks.edsr`)."""

    kind: Literal["edsr"] = "edsr"
    width: int = Field(64, ge=4, le=256, description="channels of each hidden layer")
    blocks: int = Field(16, ge=1, le=64, description="residual blocks")
    residual_scale: float = Field(
        1.0, gt=0, le=1, description="factor of each block's output; 0.1 stabilises wide networks"
    )
    activation: ReluOrClipped = Field("relu", description=DESCRIPTION)

    def build(self, scale: int, channels: int) -> EDSR:
        """See `Architecture.build`."""
        self.require_scale(scale, 2, 3, 4, 8)
        return EDSR(scale, channels, self.width, self.blocks, self.residual_scale, self.activation)

    def describe(self) -> str:
        """See `Architecture.describe`."""
        return f"{self.blocks} residual blocks, {self.width} channels, {self.activation}"


class ResidualBlock(nn.Module):
    """``x`` plus convolution, ReLU, convolution, scaled."""

    def __init__(self, width: int, residual_scale: float, activation: ReluOrClipped) -> None:
        super().__init__()
        self.residual_scale = residual_scale
        self.layers = nn.Sequential(
            make_conv(activation, width, width, reads="features"),
            make_activation(activation),
            make_conv(activation, width, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Same shape as `x`."""
        return x + self.layers(x) * self.residual_scale  # type: ignore[no-any-return]


class EDSR(Network):
    """Residual blocks without normalisation, then sub-pixel upsampling."""

    mean: Tensor

    def __init__(
        self,
        scale: int = 2,
        channels: int = 3,
        width: int = 64,
        blocks: int = 16,
        residual_scale: float = 1.0,
        activation: ReluOrClipped = "relu",
    ) -> None:
        super().__init__(scale, channels)
        steps: list[Step] = [conv(3)] * (2 * blocks + 2)
        growing: list[nn.Module] = []
        for factor in factors(scale):
            growing += [
                make_conv(activation, width, width * factor * factor, reads="features"),
                nn.PixelShuffle(factor),
            ]
            steps += [conv(3), spread(factor)]
        self.halo = halo(*steps, conv(3), scale=scale)
        mean = torch.tensor(DIV2K_MEAN) if channels == 3 else torch.tensor([sum(DIV2K_MEAN) / 3])
        self.register_buffer("mean", mean.reshape(1, -1, 1, 1), persistent=False)
        self.head = nn.Conv2d(channels, width, 3, padding=1)
        self.body = nn.Sequential(
            *(ResidualBlock(width, residual_scale, activation) for _ in range(blocks)),
            make_conv(activation, width, width, reads="features"),
        )
        self.grow = nn.Sequential(*growing)
        self.tail = make_conv(activation, width, channels, reads="features")

    def forward(self, x: Tensor) -> Tensor:
        """The enlarged picture."""
        x = self.head(x - self.mean)
        return self.finish(self.tail(self.grow(x + self.body(x))).float() + self.mean)
