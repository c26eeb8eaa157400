"""Decimation as in SciPy, for studies that used it."""

from __future__ import annotations

import math
from functools import cache
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from crispen.lab.degradations.base import Shrinking
from crispen.lab.degradations.filtering import pad

# The filter's order, its ripple and its cutoff, as a share of the new Nyquist frequency.
_ORDER, _RIPPLE_DB, _CUTOFF = 8, 0.05, 0.8
# It rings forever: its tail is cut off where it falls below this share of its peak.
_LEAST = 1e-3
_FREQUENCIES = 4096


@cache
def response(factor: int) -> Tensor:
    """``(2r + 1,)``: the impulse response, forward and backward.

    An even-order Chebyshev filter attenuates even DC: the sum is 0.9886, not 1.
    """
    frequency = torch.arange(_FREQUENCIES // 2 + 1, dtype=torch.float64) * math.tau / _FREQUENCIES
    warped = (frequency / 2).tan() / math.tan(math.pi * _CUTOFF / factor / 2)
    inside = torch.cos(_ORDER * torch.arccos(warped.clamp(max=1.0)))
    outside = torch.cosh(_ORDER * torch.arccosh(warped.clamp(min=1.0)))
    polynomial = torch.where(warped <= 1.0, inside, outside)
    ripple = 10 ** (_RIPPLE_DB / 10) - 1
    rings = torch.fft.irfft(1 / (1 + ripple * polynomial**2), n=_FREQUENCIES)
    half = rings[: _FREQUENCIES // 2]
    radius = int((half.abs() > _LEAST * half[0]).nonzero().max())
    half = half[: radius + 1]
    kernel: Tensor = torch.cat([half.flip(0)[:-1], half])
    share: Tensor = rings.sum() / kernel.sum()
    return kernel * share


class Chebyshev(Shrinking):
    """Every second (third, …) pixel after SciPy's steep filter, which rings at edges.

    ::

        y(i) = Σ h(j - f i) x(j)

    for rows and columns, with the factor f and the impulse response h of a Chebyshev filter of
    order 8 (0.05 dB of ripple, cutoff at 0.8 of the new Nyquist frequency) run forward and
    backward: `scipy.signal.decimate`. It darkens by 2 %, as SciPy's does, since the filter passes
    98.9 % of a flat area in each direction. Source: the ESPCN study made its small pictures with
    it; it blurred them with a Gaussian first, and used the picture from before that.
    """

    kind: Literal["chebyshev"] = "chebyshev"

    def margin(self, scale: int) -> int:
        """How far the filter rings, plus the cell."""
        factor = self.shrink(scale)
        return len(response(factor)) // 2 + factor

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """A side of n pixels becomes one of ceil(n / factor)."""
        factor = self.shrink(scale)
        if factor == 1:
            return x
        rings = response(factor).to(x)
        radius = len(rings) // 2
        rows, columns = ((radius, radius + (-size) % factor) for size in x.shape[-2:])
        # One plane at a time: the same filter for all.
        y = pad(x, rows, columns).flatten(0, 1)[:, None]
        y = F.conv2d(y, rings[None, None, :, None], stride=(factor, 1))
        y = F.conv2d(y, rings[None, None, None], stride=(1, factor))
        return y.reshape(*x.shape[:2], *y.shape[-2:])
