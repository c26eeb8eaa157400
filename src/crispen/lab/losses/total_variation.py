"""Total variation: how much neighbouring pixels of the output differ.

::

    TV = (Σ |x[i+1, j] - x[i, j]| + Σ |x[i, j+1] - x[i, j]|) / (N·C·H·W)

It depends on the output alone and makes it smooth, so give it a small weight beside another loss.

Source: L. Rudin et al., "Nonlinear total variation based noise removal algorithms", 1992,
doi:10.1016/0167-2789(92)90242-F (the anisotropic form here).
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from crispen.lab.losses.base import Criterion, Term
from crispen.lab.networks.base import Output


class TotalVariation(Term):
    """Mean absolute difference of neighbours, summed over both directions."""

    def forward(self, output: Output, target: Tensor) -> Tensor:
        """See `Term.forward`."""
        x = output.image
        down, across = x.diff(dim=2).abs().sum(), x.diff(dim=3).abs().sum()
        return (down + across) / x.numel()


class TotalVariationLoss(Criterion):
    """Mean absolute difference of the output's neighbouring pixels."""

    kind: Literal["total-variation"] = "total-variation"

    def build(self) -> Term:
        """See `Criterion.build`."""
        return TotalVariation()
