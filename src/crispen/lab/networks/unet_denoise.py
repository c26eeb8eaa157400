"""The U-Net that the autoencoder study suggested next: skips carry detail past the bottleneck.

::

    x ─ w ─ w ──────────────────────────────────── cat ─ w ─ w ─ 3×3, C ─ + x ─► picture
            │ max-pool                              │ 2×2/2ᵀ
            2w ─ 2w ───────────────── cat ─ 2w ─ 2w ┘
                 │ max-pool            │ 2×2/2ᵀ
                 4w ─ 4w ──────────────┘                         (shown with three levels)

Each number is a 3×3 convolution with ReLU. With w = 32 and three levels it has 467,363 parameters
on RGB. The convolutions pad, so the size stays (the paper's shrink), and the output is added to the
input, so the layers only model the input's faults.

Source: O. Ronneberger et al., "U-Net: convolutional networks for biomedical image segmentation",
MICCAI 2015, arXiv:1505.04597.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from crispen.lab.networks.activations import (
    DESCRIPTION,
    ReluOrClipped,
    conv_pair,
    make_conv,
    make_transposed,
)
from crispen.lab.networks.base import Architecture, Upscaler, he_init
from crispen.lab.networks.reach import Step, conv, halo, pool, transposed


class UnetDenoiseTable(Architecture):
    """A U-Net on the picture itself (`crispen.lab.networks.unet_denoise`)."""

    kind: Literal["unet-denoise"] = "unet-denoise"
    width: int = Field(32, ge=4, le=128, description="channels at full size; doubled each level")
    levels: int = Field(3, ge=2, le=5, description="number of resolutions, including the full one")
    activation: ReluOrClipped = Field("relu", description=DESCRIPTION)

    def build(self, scale: int, channels: int) -> UnetDenoise:
        """See `Architecture.build`."""
        self.require_scale(scale, 1)
        return UnetDenoise(channels, self.width, self.levels, self.activation)

    def describe(self) -> str:
        """See `Architecture.describe`."""
        return f"U-Net, {self.levels} levels, {self.width} channels at full size, {self.activation}"


def _steps(levels: int) -> list[Step]:
    if levels == 1:
        return [conv(3), conv(3)]
    inner = _steps(levels - 1)
    return [conv(3), conv(3), pool(), *inner, transposed(2, 2, 0), conv(3), conv(3)]


class UnetDenoise(Upscaler):
    """Encoder and decoder of paired 3×3 convolutions, concatenated at each size."""

    def __init__(
        self,
        channels: int = 3,
        width: int = 32,
        levels: int = 3,
        activation: ReluOrClipped = "relu",
    ) -> None:
        super().__init__(1, channels)
        self.multiple = 2 ** (levels - 1)
        self.halo = halo(*_steps(levels), conv(3), multiple=self.multiple)
        widths = [width * 2**level for level in range(levels)]
        self.down = nn.ModuleList(
            conv_pair(activation, before, after, "activation" if level else "picture")
            for level, (before, after) in enumerate(zip([channels, *widths], widths, strict=False))
        )
        self.grow = nn.ModuleList(make_transposed(activation, 2 * w, w, 2, 2) for w in widths[:-1])
        self.up = nn.ModuleList(conv_pair(activation, 2 * w, w, "features") for w in widths[:-1])
        self.pool = nn.MaxPool2d(2)
        self.tail = make_conv(activation, width, channels)
        he_init(self, self.tail)

    def residual(self, x: Tensor) -> Tensor:
        """See `Upscaler.residual`."""
        kept: list[Tensor] = []
        for level, pair in enumerate(self.down):
            x = pair(self.pool(x) if level else x)
            kept.append(x)
        kept.pop()
        for level in reversed(range(len(self.up))):
            x = self.up[level](torch.cat([kept[level], self.grow[level](x)], dim=1))
        return self.tail(x)  # type: ignore[no-any-return]
