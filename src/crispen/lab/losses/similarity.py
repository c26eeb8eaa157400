"""SSIM and MS-SSIM as losses: 1 minus the structural similarity.

With local means μ, variances σ² and covariance σ_xy under an 11×11 Gaussian of σ 1.5, wherever it
fits into the picture, C₁ = 0.01² and C₂ = 0.03²::

    l = (2·μ_x·μ_y + C₁) / (μ_x² + μ_y² + C₁)      cs = (2·σ_xy + C₂) / (σ_x² + σ_y² + C₂)
    SSIM = mean(l · cs)                              MS-SSIM = Π cs_j^β_j · SSIM_last^β_last

over scales j, each half the size of the previous one. As published, computed per channel and then
averaged; scikit-image gives the same with ``gaussian_weights=True, use_sample_covariance=False``.

Sources: Z. Wang et al., "Image quality assessment: from error visibility to structural similarity",
2004, doi:10.1109/TIP.2003.819861; Z. Wang et al., "Multiscale structural similarity for image
quality assessment", 2003, doi:10.1109/ACSSC.2003.1292216.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from crispen.errors import UsageError
from crispen.lab.losses.base import Criterion, Term
from crispen.lab.networks.base import Output

SIDE = 11
SIGMA = 1.5
C1, C2 = 0.01**2, 0.03**2
BETAS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def _blur(x: Tensor) -> Tensor:
    """``(N, 1, H, W)`` filtered by the Gaussian, valid region only, one axis at a time."""
    at = torch.arange(SIDE, device=x.device, dtype=x.dtype) - SIDE // 2
    line = torch.exp(-(at**2) / (2 * SIGMA**2))
    line = line / line.sum()
    return F.conv2d(F.conv2d(x, line.view(1, 1, -1, 1)), line.view(1, 1, 1, -1))


def similarity(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """SSIM and its contrast-structure factor, ``(N, C)`` each, from ``(N, C, H, W)``."""
    n, c, h, w = x.shape
    maps = torch.stack((x, y, x * x, y * y, x * y)).reshape(5 * n * c, 1, h, w)
    mean_x, mean_y, xx, yy, xy = _blur(maps).reshape(5, n, c, h - SIDE + 1, w - SIDE + 1)
    variances = (xx - mean_x**2) + (yy - mean_y**2)
    structure = (2 * (xy - mean_x * mean_y) + C2) / (variances + C2)
    luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    return (luminance * structure).mean(dim=(2, 3)), structure.mean(dim=(2, 3))


def _require(kind: str, image: Tensor, smallest: int, advice: str) -> None:
    side = min(image.shape[-2:])
    if side < smallest:
        raise UsageError(
            f"loss {kind}: needs target crops of {smallest} px or more, not {side}; {advice}"
        )


class Ssim(Term):
    """1 - SSIM."""

    def forward(self, output: Output, target: Tensor) -> Tensor:
        """See `Term.forward`."""
        _require("ssim", target, SIDE, "make data.patch larger")
        return 1.0 - similarity(output.image, target)[0].mean()


class SsimLoss(Criterion):
    """1 - SSIM, the similarity of local means, contrasts and structures."""

    kind: Literal["ssim"] = "ssim"

    def build(self) -> Term:
        """See `Criterion.build`."""
        return Ssim()


class MsSsim(Term):
    """1 - MS-SSIM."""

    def __init__(self, scales: int) -> None:
        super().__init__()
        # Fewer scales share the full weight.
        self.betas = [beta / sum(BETAS[:scales]) for beta in BETAS[:scales]]

    def forward(self, output: Output, target: Tensor) -> Tensor:
        """See `Term.forward`."""
        count = len(self.betas)
        smallest = SIDE * 2 ** (count - 1)
        _require("ms-ssim", target, smallest, "make data.patch larger, or use fewer scales")
        x, y = output.image, target
        product = torch.ones((), device=x.device)
        for scale, beta in enumerate(self.betas):
            ssim, structure = similarity(x, y)
            factor = ssim if scale == count - 1 else structure
            # Early in training structures can be opposite; a power of 0 has no gradient.
            product = product * factor.clamp(min=1e-4) ** beta
            x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
        return 1.0 - product.mean()


class MsSsimLoss(Criterion):
    """1 - MS-SSIM, the same over several scales of the picture."""

    kind: Literal["ms-ssim"] = "ms-ssim"
    scales: int = Field(
        5,
        ge=1,
        le=5,
        description="number of sizes, each half the previous one; 5 need crops of 176 px",
    )

    def build(self) -> Term:
        """See `Criterion.build`."""
        return MsSsim(self.scales)
