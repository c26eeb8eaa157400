"""The sharpening study's autoencoder: wide, one pooling, no skip.

::

    x (N, C, H, W) ─ 3×3, 256 ─ 3×3, 128 ─ max-pool 2 ─ 3×3, 64 ─ 3×3, 64      (H/2, W/2)
      ─ nearest ×2 ─ 3×3, 128 ─ 3×3, 256 ─ 3×3, C ─► picture (N, C, H, W)      ReLU between

788,867 parameters on RGB: 7,168 + 295,040 + 73,792 + 36,928 + 73,856 + 295,168 + 6,915. It outputs
the picture itself, clipped to [0, 1] (otherwise converting to bytes would wrap bright spots to
black). It is fully convolutional: tiles cut with its halo equal the whole picture, so no seams need
averaging away, although overlap-and-average works as it did in the study.

Autoencoders of this kind: J. Masci et al., "Stacked convolutional auto-encoders for hierarchical
feature extraction", ICANN 2011, doi:10.1007/978-3-642-21735-7_7.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from crispen.lab.networks.activations import (
    DESCRIPTION,
    ReluOrClipped,
    make_activation,
    make_conv,
)
from crispen.lab.networks.base import Architecture, Network, he_init
from crispen.lab.networks.reach import conv, halo, pool, spread


class AutoencoderSharpenTable(Architecture):
    """The sharpening study's autoencoder (`crispen.lab.networks.autoencoder_sharpen`)."""

    kind: Literal["autoencoder-sharpen"] = "autoencoder-sharpen"
    activation: ReluOrClipped = Field("relu", description=DESCRIPTION)

    def build(self, scale: int, channels: int) -> AutoencoderSharpen:
        """See `Architecture.build`."""
        self.require_scale(scale, 1)
        return AutoencoderSharpen(channels, self.activation)

    def describe(self) -> str:
        """See `Architecture.describe`."""
        return f"3x3 convolutions, 256-128-pool-64-64-up-128-256 channels, {self.activation}"


class AutoencoderSharpen(Network):
    """C → 256 → 128 → pool → 64 → 64 → up → 128 → 256 → C."""

    def __init__(self, channels: int = 3, activation: ReluOrClipped = "relu") -> None:
        super().__init__(1, channels)
        self.multiple = 2
        three = conv(3)
        self.halo = halo(
            three, three, pool(), three, three, spread(2), three, three, three, multiple=2
        )
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, 256, 3, padding=1),
            make_activation(activation),
            make_conv(activation, 256, 128),
            make_activation(activation),
            nn.MaxPool2d(2),
            make_conv(activation, 128, 64),
            make_activation(activation),
        )
        self.decoder = nn.Sequential(
            make_conv(activation, 64, 64),
            make_activation(activation),
            nn.Upsample(scale_factor=2, mode="nearest"),
            make_conv(activation, 64, 128),
            make_activation(activation),
            make_conv(activation, 128, 256),
            make_activation(activation),
            make_conv(activation, 256, channels),
        )
        he_init(self, self.decoder[-1])

    def forward(self, x: Tensor) -> Tensor:
        """The output picture."""
        return self.finish(self.decoder(self.encoder(x)))
