"""The U-shaped autoencoder: two poolings, and the encoder's features added to the decoder's.

::

    x (N, C, H, W) ─ 64 ─ 64 ───────────────────────────────────── + ─ C ─► picture (N, C, H, W)
                          │ pool, dropout                          │
                          128 ─ 128 ───────────────── + ─ up ─ 64 ─ 64
                                │ pool                │
                                256 ─ up ─ 128 ─ 128 ─┘

All convolutions are 3×3, all but the last with ReLU; upsampling is nearest-neighbour.
1,110,403 parameters on RGB: 1,792 + 36,928 + 73,856 + 147,584 + 295,168 + 295,040 + 147,584 +
73,792 + 36,928 + 1,731. It outputs the picture itself.

Related: X.-J. Mao et al., "Image restoration using very deep convolutional encoder-decoder networks
with symmetric skip connections", NIPS 2016, arXiv:1603.09056 (which also adds rather than
concatenates).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from crispen.lab.networks.activations import (
    DESCRIPTION,
    ReluOrClipped,
    conv_pair,
    make_activation,
    make_conv,
)
from crispen.lab.networks.base import Architecture, Network, he_init
from crispen.lab.networks.reach import conv, halo, pool, spread


class AutoencoderUnetTable(Architecture):
    """The U-shaped autoencoder (`crispen.lab.networks.autoencoder_unet`)."""

    kind: Literal["autoencoder-unet"] = "autoencoder-unet"
    dropout: float = Field(0.3, ge=0, lt=1, description="share of values dropped in training")
    activation: ReluOrClipped = Field("relu", description=DESCRIPTION)

    def build(self, scale: int, channels: int) -> AutoencoderUnet:
        """See `Architecture.build`."""
        self.require_scale(scale, 1)
        return AutoencoderUnet(channels, self.dropout, self.activation)

    def describe(self) -> str:
        """See `Architecture.describe`."""
        return (
            f"U-shaped, 3x3 convolutions, 64-128-256-128-64 channels, {self.activation}, "
            "features added across"
        )


class AutoencoderUnet(Network):
    """64, 64, pool, dropout, 128, 128, pool, 256, up, 128, 128, add, up, 64, 64, add, C."""

    def __init__(
        self, channels: int = 3, dropout: float = 0.3, activation: ReluOrClipped = "relu"
    ) -> None:
        super().__init__(1, channels)
        self.multiple = 4
        two = (conv(3), conv(3))
        down = (*two, pool(), *two, pool(), conv(3))
        self.halo = halo(*down, spread(2), *two, spread(2), *two, conv(3), multiple=4)
        self.down1 = conv_pair(activation, channels, 64, "picture")
        self.down2 = conv_pair(activation, 64, 128)
        self.middle = make_conv(activation, 128, 256)
        self.activation = make_activation(activation)
        self.up2 = conv_pair(activation, 256, 128)
        self.up1 = conv_pair(activation, 128, 64, "features")
        self.tail = make_conv(activation, 64, channels, reads="features")
        self.dropout = nn.Dropout(dropout)
        he_init(self, self.tail)

    def forward(self, x: Tensor) -> Tensor:
        """The output picture."""
        large = self.down1(x)
        small = self.down2(self.dropout(F.max_pool2d(large, 2)))
        x = self.activation(self.middle(F.max_pool2d(small, 2)))
        x = self.up2(F.interpolate(x, scale_factor=2.0, mode="nearest")) + small
        x = self.up1(F.interpolate(x, scale_factor=2.0, mode="nearest")) + large
        return self.finish(self.tail(x))
