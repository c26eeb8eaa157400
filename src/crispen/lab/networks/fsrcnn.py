"""FSRCNN(56, 12, 4): SRCNN reversed, thin in the middle, upsampling at the end.

::

    x (N, C, H, W) ─ 5×5, 56 ─ PReLU ─ 1×1, 12 ─ PReLU ─ 4 × [ 3×3, 12 ─ PReLU ]
      ─ 1×1, 56 ─ PReLU ─ 9×9ᵀ / scale, C ─► picture (N, C, sH, sW)

12,464 weights on luma, as published: 1,400 + 672 + 4 · 1,296 + 672 + 4,536. The paper counts
neither biases (173) nor PReLU slopes (172); with both there are 12,809 parameters. It outputs the
picture itself.

Source: C. Dong et al., "Accelerating the super-resolution convolutional neural network", ECCV 2016,
arXiv:1608.00367.
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
    make_transposed,
)
from crispen.lab.networks.base import Architecture, Network, he_init
from crispen.lab.networks.reach import conv, halo, transposed


class FsrcnnTable(Architecture):
    """A thin stack and one transposed convolution (`crispen.lab.networks.fsrcnn`)."""

    kind: Literal["fsrcnn"] = "fsrcnn"
    width: int = Field(56, ge=4, le=256, description="outer channels, the paper's d")
    shrink: int = Field(
        12, ge=2, le=256, description="channels of the middle layers, the paper's s"
    )
    depth: int = Field(4, ge=1, le=32, description="number of middle layers, the paper's m")
    activation: PreluOrClipped = Field("prelu", description=DESCRIPTION)

    def build(self, scale: int, channels: int) -> FSRCNN:
        """See `Architecture.build`."""
        return FSRCNN(scale, channels, self.width, self.shrink, self.depth, self.activation)

    def describe(self) -> str:
        """See `Architecture.describe`."""
        sizes = f"{self.width}, {self.shrink}, {self.depth}"
        return f"FSRCNN({sizes}), {self.activation}, transposed 9x9 at the end"


class FSRCNN(Network):
    """Feature extraction, shrinking, mapping, expanding, transposed convolution."""

    def __init__(
        self,
        scale: int,
        channels: int = 1,
        width: int = 56,
        shrink: int = 12,
        depth: int = 4,
        activation: PreluOrClipped = "prelu",
    ) -> None:
        super().__init__(scale, channels)
        self.halo = halo(conv(5), *[conv(3)] * depth, transposed(9, scale, 4), scale=scale)
        layers: list[nn.Module] = [
            nn.Conv2d(channels, width, 5, padding=2),
            make_activation(activation, width),
        ]
        between = [(width, shrink, 1), *[(shrink, shrink, 3)] * depth, (shrink, width, 1)]
        for inputs, outputs, side in between:
            layers.append(make_conv(activation, inputs, outputs, side))
            layers.append(make_activation(activation, outputs))
        self.body = nn.Sequential(*layers)
        self.tail = make_transposed(
            activation, width, channels, 9, scale, padding=4, output_padding=scale - 1
        )
        he_init(self)
        # As in the paper: the upsampling layer starts near zero.
        nn.init.normal_(self.tail.weight, std=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        """The enlarged picture."""
        return self.finish(self.tail(self.body(x)))
