"""The deconvolution network of the residual study: three transposed convolutions.

::

    x (N, C, H, W) ─ 3×3ᵀ, 10 ─ ReLU ─ 3×3ᵀ, 20 ─ ReLU ─ 4×4ᵀ/2, C ─► picture (N, C, 2H, 2W)

3,063 parameters on RGB: 280 + 1,820 + 963. The last kernel is a multiple of its stride, so it has
no checkerboard by construction (A. Odena et al., 2016, doi:10.23915/distill.00003).

``variant = "study"`` is the network as the study built it, with the same number of parameters. Its
stride is in the 3×3 layer, whose output is one pixel short of twice the sides; the last layer adds
it. A 3×3 kernel of stride 2 covers its output unevenly, which shows as a checkerboard, and the
sigmoid can only approach black and white::

    x ─ 3×3ᵀ, 10 ─ ReLU ─ 3×3ᵀ/2, 20 (2H - 1) ─ ReLU ─ 4×4ᵀ, C (2H) ─ sigmoid ─► picture

Transposed convolution for upsampling: M. D. Zeiler et al., "Deconvolutional networks", CVPR 2010,
doi:10.1109/CVPR.2010.5539957.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from crispen.lab.networks.base import Architecture, Network, he_init
from crispen.lab.networks.reach import halo, transposed


class DeconvolutionTable(Architecture):
    """Three transposed convolutions, x2 (`crispen.lab.networks.deconvolution`)."""

    kind: Literal["deconvolution"] = "deconvolution"
    variant: Literal["ours", "study"] = Field(
        "ours", description="ours: stride 2 in the last layer; study: in the second, sigmoid"
    )

    def build(self, scale: int, channels: int) -> Network:
        """See `Architecture.build`."""
        self.require_scale(scale, 2)
        return (Deconvolution if self.variant == "ours" else StudyDeconvolution)(channels)

    def describe(self) -> str:
        """See `Architecture.describe`."""
        as_built = ", stride in the second, sigmoid" if self.variant == "study" else ""
        return f"transposed 3-3-4 convolutions, 10-20 channels, relu{as_built}"


class Deconvolution(Network):
    """Transposed convolutions C → 10 → 20 → C; the last one doubles the sides."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__(2, channels)
        self.halo = halo(transposed(3, 1, 1), transposed(3, 1, 1), transposed(4, 2, 1), scale=2)
        self.up1 = nn.ConvTranspose2d(channels, 10, 3, padding=1)
        self.up2 = nn.ConvTranspose2d(10, 20, 3, padding=1)
        self.up3 = nn.ConvTranspose2d(20, channels, 4, stride=2, padding=1)
        he_init(self, self.up3)

    def forward(self, x: Tensor) -> Tensor:
        """The output picture."""
        x = F.relu(self.up1(x))
        x = F.relu(self.up2(x))
        return self.finish(self.up3(x))


class StudyDeconvolution(Network):
    """The study's form: n pixels become n, 2n - 1 and 2n, then a sigmoid."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__(2, channels)
        self.halo = halo(transposed(3, 1, 1), transposed(3, 2, 1), transposed(4, 1, 1), scale=2)
        self.up1 = nn.ConvTranspose2d(channels, 10, 3, padding=1)
        self.up2 = nn.ConvTranspose2d(10, 20, 3, stride=2, padding=1)
        self.up3 = nn.ConvTranspose2d(20, channels, 4, padding=1)
        he_init(self, self.up3)

    def forward(self, x: Tensor) -> Tensor:
        """The output picture."""
        x = F.relu(self.up1(x))
        x = F.relu(self.up2(x))
        return self.finish(torch.sigmoid(self.up3(x).float()))
