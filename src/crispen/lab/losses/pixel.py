"""Losses that compare pixel by pixel: MSE, L1, Charbonnier, PSNR.

With ``d = output - target`` and the mean over all pixels and channels:

- ``mse``: mean(d²). Its minimiser is the mean of all plausible pictures, hence its blur; it is
  what PSNR measures.
- ``l1``: mean(|d|). Sharper than MSE and often better even in PSNR [1]_.
- ``charbonnier``: mean(√(d² + ε²)), L1 with a rounded tip [2]_.
- ``psnr``: mean over pictures of 10·log₁₀(mean(d²) + f²), negative PSNR in dB; f is 10⁻⁵, or the
  floor. Nearly correct pictures count as much as bad ones, whereas the worst dominate MSE.

.. [1] H. Zhao et al., "Loss functions for image restoration with neural networks", 2017,
   arXiv:1511.08861
.. [2] W.-S. Lai et al., "Deep Laplacian pyramid networks for fast and accurate
   super-resolution", CVPR 2017, arXiv:1704.03915
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from crispen.lab.losses.base import Criterion, Term
from crispen.lab.networks.base import Output


class Mse(Term):
    """Mean squared error."""

    def forward(self, output: Output, target: Tensor) -> Tensor:
        """See `Term.forward`."""
        return F.mse_loss(output.image, target)


class MseLoss(Criterion):
    """Mean squared error, mean((output - target)²)."""

    kind: Literal["mse"] = "mse"

    def build(self) -> Term:
        """See `Criterion.build`."""
        return Mse()


class L1(Term):
    """Mean absolute error.

    Args:
        luma: Weight of the luma error relative to that of R'G'B'.
    """

    def __init__(self, luma: float = 0.0) -> None:
        super().__init__()
        self.luma = luma

    def forward(self, output: Output, target: Tensor) -> Tensor:
        """See `Term.forward`."""
        difference = output.image - target
        value = difference.abs().mean()
        if self.luma and difference.shape[1] == 3:
            red, green, blue = difference.unbind(1)
            value = value + self.luma * (0.299 * red + 0.587 * green + 0.114 * blue).abs().mean()
        return value


class L1Loss(Criterion):
    """Mean absolute error, mean(|output - target|)."""

    kind: Literal["l1"] = "l1"
    luma: float = Field(
        0.0,
        ge=0,
        description="for colour: additional weight of the luma error, to which eyes are more "
        "sensitive",
    )

    def build(self) -> Term:
        """See `Criterion.build`."""
        return L1(self.luma)


class Charbonnier(Term):
    """L1 with a rounded tip."""

    def __init__(self, epsilon: float) -> None:
        super().__init__()
        self.epsilon = epsilon

    def forward(self, output: Output, target: Tensor) -> Tensor:
        """See `Term.forward`."""
        return torch.sqrt((output.image - target) ** 2 + self.epsilon**2).mean()


class CharbonnierLoss(Criterion):
    """Mean of √((output - target)² + ε²)."""

    kind: Literal["charbonnier"] = "charbonnier"
    epsilon: float = Field(1e-3, gt=0, description="half-width of the rounded tip, 1 = white")

    def build(self) -> Term:
        """See `Criterion.build`."""
        return Charbonnier(self.epsilon)


class Psnr(Term):
    """Negative PSNR in dB.

    Args:
        floor: Errors of about this many levels of 255, or fewer, count alike.
    """

    def __init__(self, floor: float = 0.0) -> None:
        super().__init__()
        # A perfect picture scores -100 dB rather than minus infinity.
        self.least = max(1e-10, (floor / 255) ** 2)

    def forward(self, output: Output, target: Tensor) -> Tensor:
        """See `Term.forward`."""
        errors = ((output.image - target) ** 2).mean(dim=(1, 2, 3))
        return 10.0 * torch.log10(errors + self.least).mean()


class PsnrLoss(Criterion):
    """Negative PSNR in dB, 10·log₁₀(mean((output - target)²)), picture by picture."""

    kind: Literal["psnr"] = "psnr"
    floor: float = Field(
        0.0,
        ge=0,
        description="errors up to about this many levels of 255 count the same, so that pictures "
        "that are already right do not dominate",
    )

    def build(self) -> Term:
        """See `Criterion.build`."""
        return Psnr(self.floor)
