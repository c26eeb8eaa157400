"""Gaussian blur and decimation: the other classic way to make LR pictures."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from torch import Generator, Tensor
from torch.nn import functional as F

from crispen.lab.degradations import kernels
from crispen.lab.degradations.base import Limits, Shrinking, Span, draw
from crispen.lab.degradations.filtering import pad

Sigma = Annotated[Span, BeforeValidator(Limits(0, 50))]


class Decimate(Shrinking):
    """Gaussian blur, then one pixel of each cell is kept.

    ::

        y(i) = Σ g(j - c(i)) x(j),  g ∝ exp(-t² / 2σ²),  c(i) = f i + (f - 1) / 2

    for rows and columns, with the factor f. The Gaussian is centred on the f×f cell that becomes
    one pixel, so nothing is shifted; with ``phase = "corner"`` it is centred on the cell's first
    pixel, c(i) = f i, as in ``blurred[::f, ::f]``. Source: W. Shi et al., "Real-Time Single Image
    and Video Super-Resolution …", 2016, arXiv:1609.05158.
    """

    kind: Literal["decimate"] = "decimate"
    sigma: Sigma | None = Field(
        None,
        description="standard deviation of the blur in HR pixels; half the factor unless given, 0 "
        "for none",
    )
    phase: Literal["center", "corner"] = Field(
        "center", description="which point of each cell to keep"
    )

    def _sigma(self, scale: int) -> Span:
        half = self.shrink(scale) / 2
        return self.sigma or (half, half)

    def margin(self, scale: int) -> int:
        """Three standard deviations plus the cell."""
        return kernels.reach(self._sigma(scale)[1]) + self.shrink(scale)

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """A side of n pixels becomes one of ceil(n / factor)."""
        factor, sigma = self.shrink(scale), self._sigma(scale)
        radius = kernels.reach(sigma[1])
        centre = (factor - 1) / 2 if self.phase == "center" else 0.0
        offsets = x.new_tensor(range(-radius, radius + factor)) - centre
        weights = kernels.gaussian(draw(sigma, x, generator), offsets)
        planes = weights.repeat_interleave(x.shape[1], dim=0)[:, None]
        rows, columns = ((radius, radius + factor - 1 + (-size) % factor) for size in x.shape[-2:])
        y = pad(x, rows, columns).flatten(0, 1)[None]
        y = F.conv2d(y, planes[..., None], stride=(factor, 1), groups=len(planes))
        y = F.conv2d(y, planes[:, :, None], stride=(1, factor), groups=len(planes))
        return y.reshape(*x.shape[:2], *y.shape[-2:])
