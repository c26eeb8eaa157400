"""Sensor noise: Gaussian and Poisson."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import BeforeValidator, Field
from torch import Generator, Tensor

from crispen.lab.degradations.base import (
    Degradation,
    Levels,
    Limits,
    Span,
    draw,
    draw_log,
    normal,
)

Photons = Annotated[Span, BeforeValidator(Limits(1, 1e6))]


class GaussianNoise(Degradation):
    """White Gaussian noise: what denoisers are measured with.

    ::

        y = x + n,  n ~ N(0, (σ / 255)²)

    Every value has its own n; with ``grey`` the channels of a pixel share it. Source: K. Zhang et
    al., "Beyond a Gaussian Denoiser", 2017, arXiv:1608.03981 (σ from 0 to 55, drawn per picture).
    """

    kind: Literal["gaussian-noise"] = "gaussian-noise"
    main: ClassVar[str] = "sigma"
    sigma: Levels = Field((0.0, 50.0), description="standard deviation in levels of 255")
    grey: bool = Field(False, description="the same noise in all channels")

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """Adds noise."""
        channels = 1 if self.grey else x.shape[1]
        sigma = draw(self.sigma, x, generator) / 255.0
        noise = normal((len(x), channels, *x.shape[2:]), x, generator)
        return torch.addcmul(x, noise, sigma)


class PoissonNoise(Degradation):
    """Photon noise: what little light looks like; bright places are noisier than dark ones.

    ::

        y = k / λ,  k ~ Poisson(λ x)

    λ is the number of photons for white. With ``grey`` the noise of the channels' mean is
    added to all of them. Source: ``random_noise(mode="poisson")`` of scikit-image; λ from 10² to
    10⁴ as in K. Zhang et al., "Designing a Practical Degradation Model for Deep Blind Image
    Super-Resolution", 2021, arXiv:2103.14006.
    """

    kind: Literal["poisson-noise"] = "poisson-noise"
    main: ClassVar[str] = "photons"
    photons: Photons = Field(
        (100.0, 10000.0), description="photons at white; fewer are noisier; drawn on a log scale"
    )
    grey: bool = Field(False, description="the same noise in all channels")

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """Counts photons."""
        photons = draw_log(self.photons, x, generator)
        light = x.mean(dim=1, keepdim=True) if self.grey else x
        light = light.clamp(0.0, 1.0)
        counted = _poisson(light * photons, generator) / photons
        return x + (counted - light) if self.grey else counted


def _poisson(rate: Tensor, generator: Generator) -> Tensor:
    """Counts with these mean values, drawn per picture."""
    if rate.is_cuda:
        return torch.poisson(rate, generator=generator)
    # On CPUs the rates decide how many numbers are drawn: with one stream for all, a picture would
    # change the noise of the next.
    seeds = torch.randint(2**62, (len(rate),), generator=generator).tolist()
    return torch.stack(
        [
            torch.poisson(picture, generator=Generator().manual_seed(seed))
            for picture, seed in zip(rate, seeds, strict=True)
        ]
    )
