"""SRResNet: the generator of SRGAN, or a network of its own without a discriminator.

::

    x (N, C, H, W) ─ 9×9, 64 ─ PReLU
      ─┬─ 16 × [ 3×3, 64 ─ BN ─ PReLU ─ 3×3, 64 ─ BN ─ + ] ─ 3×3, 64 ─ BN ─ + ─►
       └────────────────────────────────────────────────────────────────────┘
      ─► 2 × [ 3×3, 256 ─ shuffle ×2 ─ PReLU ] ─ 9×9, C ─► picture (N, C, 4H, 4W)

1,549,462 parameters on RGB at x4: 15,616 + 1 + 16 · 74,113 + 37,056 + 2 · 147,713 + 15,555; each
PReLU has one parameter. The paper says "1.5 M". x2 has one upsampling step, x3 one by three.

Batch normalisation makes it sensitive to the content of its batches; train it with many small
crops. It outputs the picture itself.

Source: C. Ledig et al., "Photo-realistic single image super-resolution using a generative
adversarial network", CVPR 2017, arXiv:1609.04802.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from crispen.lab.networks.activations import (
    DESCRIPTION,
    PreluOrClipped,
    make_activation,
    make_conv,
)
from crispen.lab.networks.base import Architecture, Network
from crispen.lab.networks.reach import Step, conv, halo, spread


class SrresnetTable(Architecture):
    """SRGAN's generator (`crispen.lab.networks.srresnet`)."""

    kind: Literal["srresnet"] = "srresnet"
    width: int = Field(64, ge=4, le=256, description="channels of each hidden layer")
    blocks: int = Field(16, ge=1, le=64, description="residual blocks")
    activation: PreluOrClipped = Field("prelu", description=DESCRIPTION)

    def build(self, scale: int, channels: int) -> SRResNet:
        """See `Architecture.build`."""
        self.require_scale(scale, 2, 3, 4, 8)
        return SRResNet(scale, channels, self.width, self.blocks, self.activation)

    def describe(self) -> str:
        """See `Architecture.describe`."""
        return (
            f"{self.blocks} residual blocks with batch normalisation, {self.width} channels, "
            f"{self.activation}"
        )


class ResidualBlock(nn.Module):
    """``x`` plus convolution, BN, PReLU, convolution, BN."""

    def __init__(self, width: int, activation: PreluOrClipped) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            make_conv(activation, width, width, reads="features"),
            nn.BatchNorm2d(width),
            make_activation(activation),
            make_conv(activation, width, width),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Same shape as `x`."""
        return x + self.layers(x)  # type: ignore[no-any-return]


def factors(scale: int) -> list[int]:
    """The upsampling steps: one by three, or several by two.

    >>> factors(4), factors(3)
    ([2, 2], [3])
    """
    return [3] if scale == 3 else [2] * (scale.bit_length() - 1)


class SRResNet(Network):
    """Residual blocks with batch normalisation, then sub-pixel upsampling."""

    def __init__(
        self,
        scale: int = 4,
        channels: int = 3,
        width: int = 64,
        blocks: int = 16,
        activation: PreluOrClipped = "prelu",
    ) -> None:
        super().__init__(scale, channels)
        growing: list[nn.Module] = []
        steps: list[Step] = [conv(9), *[conv(3)] * (2 * blocks + 1)]
        for number, factor in enumerate(factors(scale)):
            # The first one reads the sum of all blocks.
            outputs = width * factor * factor
            growing += [
                make_conv(activation, width, outputs, reads="activation" if number else "features"),
                nn.PixelShuffle(factor),
                make_activation(activation),
            ]
            steps += [conv(3), spread(factor)]
        self.halo = halo(*steps, conv(9), scale=scale)
        self.head = nn.Sequential(
            nn.Conv2d(channels, width, 9, padding=4), make_activation(activation)
        )
        self.body = nn.Sequential(
            *(ResidualBlock(width, activation) for _ in range(blocks)),
            make_conv(activation, width, width, reads="features"),
            nn.BatchNorm2d(width),
        )
        self.grow = nn.Sequential(*growing)
        self.tail = make_conv(activation, width, channels, 9)

    def forward(self, x: Tensor) -> Tensor:
        """The enlarged picture."""
        x = self.head(x)
        return self.finish(self.tail(self.grow(x + self.body(x))))
