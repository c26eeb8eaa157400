"""The residual network of the residual study, on the bilinearly upsampled picture.

::

    x (N, C, H, W) ─ bilinear ─ (N, C, sH, sW) ─ 3×3, 64
      ─ 2 × [ block ─ block ─ + ]           block: 3×3, 64 ─ BN ─ PReLU ─ dropout
      ─ 3×3, C ─► picture (N, C, sH, sW)

151,751 parameters on RGB: 1,792 + 4 · (36,928 + 128 + 1) + 1,731. With ``skip`` the bilinear
picture is added at the end, so the layers need not carry it; the study did not do this.

``variant = "study"`` uses the study's order: normalisation and activation before each convolution,
one dropout between the two convolutions of a block, and twice as many blocks (``blocks = 2`` means
four)::

    block: BN ─ PReLU ─ 3×3, 64 ─ dropout ─ BN ─ PReLU ─ 3×3, 64 ─ +

299,463 parameters, the study's number: 1,792 + 4 · (2 · 36,928 + 128 + 1) + 1,731. This holds only
if both halves of a block share one normalisation and one PReLU, so here they do.

Residual blocks: K. He et al., "Deep residual learning for image recognition", CVPR 2016,
arXiv:1512.03385; with the activation first: "Identity mappings in deep residual networks", ECCV
2016, arXiv:1603.05027.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from crispen.lab.networks.activations import (
    DESCRIPTION,
    PreluOrClipped,
    make_activation,
    make_conv,
)
from crispen.lab.networks.base import Architecture, Network
from crispen.lab.networks.reach import bilinear, conv, halo


class ResidualTable(Architecture):
    """Residual blocks on the bilinear picture (`crispen.lab.networks.residual`)."""

    kind: Literal["residual"] = "residual"
    variant: Literal["ours", "study"] = Field(
        "ours", description="ours: activation after each convolution; study: before, deeper"
    )
    width: int = Field(64, ge=4, le=256, description="channels of each hidden layer")
    blocks: int = Field(2, ge=1, le=32, description="residual blocks of two convolution blocks")
    dropout: float = Field(0.1, ge=0, lt=1, description="share of values dropped in training")
    skip: bool = Field(False, description="add the bilinear picture to the output")
    activation: PreluOrClipped = Field("prelu", description=DESCRIPTION)

    def build(self, scale: int, channels: int) -> Residual:
        """See `Architecture.build`."""
        study = self.variant == "study"
        block = StudyBlock if study else ResidualBlock
        count = self.blocks * (2 if study else 1)
        blocks = (block(self.width, self.dropout, self.activation) for _ in range(count))
        return Residual(
            scale, channels, self.width, blocks, skip=self.skip, activation=self.activation
        )

    def describe(self) -> str:
        """See `Architecture.describe`."""
        study = self.variant == "study"
        return (
            f"{self.blocks * (2 if study else 1)} residual blocks of two 3x3 convolutions"
            f"{', activation first' if study else ''}, {self.width} channels, "
            f"{self.activation}, on the bilinear picture"
        )


class ResidualBlock(nn.Module):
    """Two blocks of convolution, batch normalisation, PReLU and dropout, plus their input."""

    def __init__(self, width: int, dropout: float, activation: PreluOrClipped) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for half in range(2):
            layers += [
                make_conv(activation, width, width, reads="activation" if half else "features"),
                nn.BatchNorm2d(width),
                make_activation(activation),
                nn.Dropout(dropout),
            ]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape as `x`."""
        return x + self.layers(x)  # type: ignore[no-any-return]


class StudyBlock(nn.Module):
    """The same in the study's order; both halves share normalisation and activation."""

    def __init__(self, width: int, dropout: float, activation: PreluOrClipped) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(width)
        self.activation = make_activation(activation)
        self.conv1 = make_conv(activation, width, width)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = make_conv(activation, width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape as `x`."""
        y = self.dropout(self.conv1(self.activation(self.norm(x))))
        return x + self.conv2(self.activation(self.norm(y)))  # type: ignore[no-any-return]


class Residual(Network):
    """Bilinear upsampling, a convolution, residual blocks of `width` channels, a convolution."""

    def __init__(
        self,
        scale: int,
        channels: int,
        width: int,
        blocks: Iterable[nn.Module],
        *,
        skip: bool = False,
        activation: PreluOrClipped = "prelu",
    ) -> None:
        super().__init__(scale, channels)
        self.skip = skip
        self.head = nn.Conv2d(channels, width, 3, padding=1)
        # A generator creates them, so that a seed keeps giving the same weights.
        self.blocks = nn.Sequential(*blocks)
        self.halo = halo(bilinear(scale), *[conv(3)] * (2 * len(self.blocks) + 2), scale=scale)
        self.tail = make_conv(activation, width, channels, reads="features")
        if skip:
            with torch.no_grad():
                # Start as plain bilinear.
                self.tail.weight.mul_(0.1)
                self.tail.bias.zero_()  # type: ignore[union-attr]

    def forward(self, x: Tensor) -> Tensor:
        """The output picture."""
        if self.scale > 1:
            x = F.interpolate(x, scale_factor=self.scale, mode="bilinear", align_corners=False)
        answer = self.tail(self.blocks(self.head(x))).float()
        return self.finish(x.float() + answer if self.skip else answer)
