"""SRCNN: the first convolutional network for super-resolution, 9-1-5.

::

    x (N, C, H, W) ─ bicubic ─ (N, C, sH, sW)
      ─ 9×9, 64 ─ ReLU ─ 1×1, 32 ─ ReLU ─ 5×5, C ─► picture (N, C, sH, sW)

20,099 parameters on RGB: 15,616 + 2,080 + 2,403 (8,129 on luma; the paper's 8,032 excludes the
biases). The upsampling is inside, so the network takes the small picture like every other one. The
layers carry the whole picture, so inference needs fp32. The convolutions pad with zeros, whereas
the paper lets the picture shrink and compares its middle.

Source: C. Dong et al., "Image super-resolution using deep convolutional networks", TPAMI 2016,
doi:10.1109/TPAMI.2015.2439281, arXiv:1501.00092.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from crispen.lab.networks.activations import (
    DESCRIPTION,
    ReluOrClipped,
    make_activation,
    make_conv,
)
from crispen.lab.networks.base import (
    Architecture,
    Network,
    bicubic_kernel,
    bicubic_planes,
    he_init,
)
from crispen.lab.networks.reach import bicubic, conv, halo


class SrcnnTable(Architecture):
    """Three layers on the bicubic picture (`crispen.lab.networks.srcnn`)."""

    kind: Literal["srcnn"] = "srcnn"
    activation: ReluOrClipped = Field("relu", description=DESCRIPTION)

    def build(self, scale: int, channels: int) -> SRCNN:
        """See `Architecture.build`."""
        return SRCNN(scale, channels, self.activation)

    def describe(self) -> str:
        """See `Architecture.describe`."""
        return f"9-1-5 convolutions, 64-32 channels, {self.activation}, on the bicubic picture"


class SRCNN(Network):
    """9-1-5 convolutions with 64-32-C filters on the bicubically upsampled picture."""

    bicubic: Tensor

    def __init__(self, scale: int, channels: int = 3, activation: ReluOrClipped = "relu") -> None:
        super().__init__(scale, channels)
        self.halo = halo(bicubic(scale), conv(9), conv(1), conv(5), scale=scale)
        self.register_buffer("bicubic", bicubic_kernel(scale, channels), persistent=False)
        self.conv1 = nn.Conv2d(channels, 64, 9, padding=4)
        self.conv2 = make_conv(activation, 64, 32, 1)
        self.conv3 = make_conv(activation, 32, channels, 5)
        self.activations = nn.ModuleList(make_activation(activation) for _ in range(2))
        he_init(self, self.conv3)

    def forward(self, x: Tensor) -> Tensor:
        """The output picture."""
        if self.scale > 1:
            with torch.autocast(x.device.type, enabled=False):
                x = F.pixel_shuffle(bicubic_planes(x.float(), self.bicubic), self.scale)
        for layer, activation in zip((self.conv1, self.conv2), self.activations, strict=True):
            x = activation(layer(x))
        return self.finish(self.conv3(x))
