"""The divergence of a variational network's latents from a standard normal.

::

    KL(N(μ, σ²) ‖ N(0, 1)) = -½ · Σ (1 + log σ² - μ² - σ²)

summed over the latents and averaged over the batch; the network computes it
(`crispen.lab.networks.autoencoder_variational`). Relative to a squared error that is a *mean* over
pixels, the evidence bound of a unit-variance Gaussian weights it by 2 / (C·H·W), which is 6.5e-4
for 32×32 RGB.

Source: D. P. Kingma and M. Welling, "Auto-encoding variational Bayes", ICLR 2014, arXiv:1312.6114,
appendix B.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from crispen.errors import UsageError
from crispen.lab.losses.base import Criterion, Term
from crispen.lab.networks.base import Output


class Kl(Term):
    """The network's own divergence."""

    def forward(self, output: Output, target: Tensor) -> Tensor:
        """See `Term.forward`."""
        if output.kl is None:
            raise UsageError(
                "loss kl: this network has no latents to diverge; remove that [[loss]], or choose "
                'network.kind = "autoencoder-variational"'
            )
        return output.kl.float()


class KlLoss(Criterion):
    """Divergence of a variational network's latents from a standard normal."""

    kind: Literal["kl"] = "kl"

    def build(self) -> Term:
        """See `Criterion.build`."""
        return Kl()
