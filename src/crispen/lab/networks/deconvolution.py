"""The deconvolution network of the residual study: three transposed convolutions.

::

    x (N, C, H, W) ─ 3×3ᵀ, 10 ─ ReLU ─ 3×3ᵀ, 20 ─ ReLU ─ 4×4ᵀ/2, C ─► picture (N, C, 2H, 2W)

3,063 parameters on RGB: 280 + 1,820 + 963. With channels 3 → 10 → 20 → 3, square kernels and
biases, kernel sides 3, 3, 4 are the only ones that come to this number; the 4×4 with stride 2 and
padding 1 is also the one that doubles the sides exactly (180 → 360).

Transposed convolution for enlarging: M. D. Zeiler et al., "Deconvolutional networks", CVPR 2010,
doi:10.1109/CVPR.2010.5539957. Its kernel is a multiple of its stride, so it has no checkerboard by
construction (A. Odena et al., 2016, doi:10.23915/distill.00003).
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from crispen.lab.networks.base import Architecture, Network, he_init
from crispen.lab.networks.reach import halo, transposed


class DeconvolutionTable(Architecture):
    """Three transposed convolutions, x2 (`crispen.lab.networks.deconvolution`)."""

    kind: Literal["deconvolution"] = "deconvolution"

    def build(self, scale: int, channels: int) -> Deconvolution:
        """See `Architecture.build`."""
        self.require_scale(scale, 2)
        return Deconvolution(channels)

    def describe(self) -> str:
        """See `Architecture.describe`."""
        return "transposed 3-3-4 convolutions, 10-20 channels, relu"


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
        """The finished picture."""
        x = F.relu(self.up1(x))
        x = F.relu(self.up2(x))
        return self.finish(self.up3(x))
