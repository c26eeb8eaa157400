"""Camera noise: photons and electronics, through the mosaic, smoothing and tone curve."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import BeforeValidator, Field
from torch import Generator, Tensor
from torch.nn import functional as F

from crispen.lab.degradations import kernels
from crispen.lab.degradations.base import Degradation, Levels, Limits, Span, draw, normal, uniform
from crispen.lab.degradations.filtering import convolve_axes, pad

Share = Annotated[Span, BeforeValidator(Limits(0, 1))]
Smoothing = Annotated[Span, BeforeValidator(Limits(0, 3))]

_GAMMA = 2.2
_DEEPEST = 0.02
# Cameras smooth what they brighten: beyond this, shadows do not get noisier.
_STRONGEST = 3.0
_TINY = 1e-6
_SMOOTH_REACH = 6
# Bilinear interpolation of a Bayer mosaic: the two rare colours, and green.
_RARE = ((0.25, 0.5, 0.25), (0.5, 1.0, 0.5), (0.25, 0.5, 0.25))
_GREEN = ((0.0, 0.25, 0.0), (0.25, 1.0, 0.25), (0.0, 0.25, 0.0))


def strength(x: Tensor, photons: Tensor) -> Tensor:
    """Noise strength at each pixel, relative to that at middle grey.

    Photon noise grows with the square root of the light; the tone curve amplifies dark values.

    Args:
        x: ``(N, C, H, W)`` in [0, 1].
        photons: ``(N, 1, 1, 1)``: the share of noise power, at middle grey, that photons cause.
    """
    grey = x.mean(dim=1, keepdim=True).clamp(_DEEPEST, 1.0)
    light, middle = grey**_GAMMA, 0.5**_GAMMA
    power = (1 - photons) + photons * (light / middle)
    slope = (light / middle) ** (1 / _GAMMA - 1)
    relative: Tensor = (power.sqrt() * slope).clamp_max(_STRONGEST)
    return relative


def mosaicked(noise: Tensor) -> Tensor:
    """Noise after a Bayer sensor (RGGB) and bilinear interpolation."""
    rows = torch.arange(noise.shape[-2], device=noise.device)[:, None] % 2
    columns = torch.arange(noise.shape[-1], device=noise.device)[None] % 2
    sites = torch.stack(
        [(rows == 0) & (columns == 0), rows != columns, (rows == 1) & (columns == 1)]
    )
    kernel = noise.new_tensor([_RARE, _GREEN, _RARE])[:, None]
    return F.conv2d(pad(noise * sites, (1, 1), (1, 1)), kernel, groups=3)


def smoothed(noise: Tensor, sigma: Tensor) -> Tensor:
    """Noise filtered by a Gaussian with a separate width per picture."""
    offsets = torch.arange(-_SMOOTH_REACH, _SMOOTH_REACH + 1.0, device=noise.device)
    return convolve_axes(noise, kernels.gaussian(sigma, offsets))


def sensor_noise(
    x: Tensor,
    generator: Generator,
    *,
    photons: Tensor,
    mosaic: Tensor,
    smooth: Tensor,
    grey: Tensor,
) -> Tensor:
    """Noise with a root mean square of 1 at middle grey, to scale and add.

    Args:
        x: ``(N, C, H, W)`` in [0, 1]: the pictures that get the noise.
        generator: On the device of `x`.
        photons: ``(N, 1, 1, 1)``: see `strength`; below 0 it is uniform.
        mosaic: ``(N, 1, 1, 1)`` bool: through a Bayer sensor; three channels only.
        smooth: ``(N, 1, 1, 1)``: standard deviation in pixels of the camera's own smoothing.
        grey: ``(N, 1, 1, 1)`` bool: the channels share it.
    """
    noise = normal(tuple(x.shape), x, generator)
    if x.shape[1] == 3:
        noise = torch.where(mosaic, mosaicked(noise), noise)
    noise = torch.where(grey, noise[:, :1], noise)
    noise = torch.where(smooth > 0, smoothed(noise, smooth), noise)
    noise = noise / noise.square().mean(dim=(1, 2, 3), keepdim=True).sqrt().clamp_min(_TINY)
    even = torch.ones_like(x[:, :1])
    return noise * torch.where(photons < 0, even, strength(x, photons.clamp_min(0)))


class CameraNoise(Degradation):
    """Noise of a small sensor: grain that depends on brightness, in blotches, not pixels.

    ::

        y = x + σ/255 · a(x) · n,  n = smooth(demosaic(mosaic(N(0, 1)))),  a(½) = 1

    a follows from photon and electronic noise in linear light and from the tone curve (gamma 2.2),
    so dark areas are noisier. Source: A. Foi et al., "Practical Poissonian-Gaussian noise modeling
    and fitting for single-image raw-data", 2008, doi:10.1109/TIP.2008.2001399; the mosaic follows
    T. Brooks et al., "Unprocessing images for learned raw denoising", 2019, arXiv:1811.11127, but
    is bilinear and applies to the noise alone.
    """

    kind: Literal["camera-noise"] = "camera-noise"
    main: ClassVar[str] = "sigma"
    sigma: Levels = Field(
        (0.0, 30.0), description="standard deviation at middle grey, in levels of 255"
    )
    photons: Share = Field(
        (0.2, 0.95), description="share of photon noise in the noise, at middle grey"
    )
    mosaic: float = Field(
        0.7, ge=0, le=1, description="probability of a Bayer mosaic; needs colour"
    )
    smooth: Smoothing = Field((0.0, 1.2), description="the camera's own smoothing of it, in pixels")

    def margin(self, scale: int) -> int:
        """One pixel for the mosaic, plus the smoothing."""
        return 1 + _SMOOTH_REACH

    def grid(self, scale: int) -> int:
        """The mosaic's cell."""
        return 2

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """Adds noise."""
        sigma, photons, smooth = (
            draw(span, x, generator) for span in (self.sigma, self.photons, self.smooth)
        )
        mosaic = uniform((len(x), 1, 1, 1), x, generator) < self.mosaic
        noise = sensor_noise(
            x,
            generator,
            photons=photons,
            mosaic=mosaic,
            smooth=smooth,
            grey=torch.zeros_like(mosaic),
        )
        return torch.addcmul(x, noise, sigma / 255.0)
