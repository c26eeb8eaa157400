"""The frequency loss: L1 between spectra.

::

    loss = mean(|F(output) - F(target)|)          F: orthonormal 2-D Fourier transform

The modulus of the complex difference, averaged over all coefficients. Strong low frequencies
dominate pixel losses; here missing fine texture counts as much as a wrong tone.

Source: S.-J. Cho et al., "Rethinking coarse-to-fine approach in single image deblurring", ICCV
2021, arXiv:2108.05054 (there the real and imaginary parts are compared separately).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from crispen.lab.losses.base import Criterion, Term
from crispen.lab.networks.base import Output


class Frequency(Term):
    """Mean modulus of the difference of two spectra."""

    def forward(self, output: Output, target: Tensor) -> Tensor:
        """See `Term.forward`."""
        error = output.image - target
        half = torch.fft.rfft2(error, norm="ortho").abs()
        # For a real signal the rest mirrors all columns except the first and, if even, the last.
        once = half[..., 0].sum()
        if error.shape[-1] % 2 == 0 and error.shape[-1] > 1:
            once = once + half[..., -1].sum()
        mean: Tensor = (2.0 * half.sum() - once) / error.numel()
        return mean


class FrequencyLoss(Criterion):
    """L1 between the Fourier spectra."""

    kind: Literal["frequency"] = "frequency"

    def build(self) -> Term:
        """See `Criterion.build`."""
        return Frequency()
