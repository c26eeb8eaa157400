"""Blur kernels, one per picture of a batch; each sums to 1.

The parameters are ``(N, 1, 1, 1)`` tensors, as from `crispen.lab.degradations.base.draw`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

# A narrower Gaussian does not blur, and must not divide by zero.
_LEAST_SIGMA = 1e-3


def reach(sigma: float) -> int:
    """The radius at which a Gaussian is cut off: three standard deviations."""
    return math.ceil(3 * sigma)


def gaussian(sigma: Tensor, offsets: Tensor) -> Tensor:
    """``(N, k)``: a Gaussian at these distances from its centre."""
    width = sigma.reshape(-1, 1).clamp_min(_LEAST_SIGMA)
    # A softmax divides by the sum without underflow.
    return torch.softmax(-0.5 * (offsets / width) ** 2, dim=1)


def _grid(radius: int, like: Tensor) -> tuple[Tensor, Tensor]:
    axis = torch.arange(-radius, radius + 1, dtype=like.dtype, device=like.device)
    return axis[None, None, :], axis[None, :, None]


def _normalised(kernel: Tensor) -> Tensor:
    return kernel / kernel.sum(dim=(1, 2), keepdim=True)


def _turned(angle: Tensor, radius: int) -> tuple[Tensor, Tensor]:
    x, y = _grid(radius, angle)
    turn = angle.reshape(-1, 1, 1) * (math.pi / 180)
    # Rows grow downwards; angles are counterclockwise.
    return x * turn.cos() - y * turn.sin(), x * turn.sin() + y * turn.cos()


def _distance(long: Tensor, short: Tensor, angle: Tensor, radius: int) -> Tensor:
    along, across = _turned(angle, radius)
    a = along / long.reshape(-1, 1, 1).clamp_min(_LEAST_SIGMA)
    b = across / short.reshape(-1, 1, 1).clamp_min(_LEAST_SIGMA)
    return a**2 + b**2


def elliptic(
    long: Tensor, short: Tensor, angle: Tensor, radius: int, beta: Tensor | None = None
) -> Tensor:
    """``(N, k, k)``: ``exp(-q^β / 2)``, q the squared distance in standard deviations.

    Args:
        long: Standard deviation along `angle`.
        short: Standard deviation across it.
        angle: Degrees counterclockwise.
        radius: In pixels; k is twice that plus one.
        beta: 1 (or None) is the Gaussian, less has heavy tails, more a flat top.
    """
    q = _distance(long, short, angle, radius)
    exponent = -0.5 * (q if beta is None else q ** beta.reshape(-1, 1, 1))
    return torch.softmax(exponent.flatten(1), dim=1).reshape(q.shape)


def plateau(long: Tensor, short: Tensor, angle: Tensor, radius: int, beta: Tensor) -> Tensor:
    """``(N, k, k)``: ``1 / (1 + q^β)``, the arguments as in `elliptic`."""
    q = _distance(long, short, angle, radius)
    return _normalised(1 / (1 + q ** beta.reshape(-1, 1, 1)))


def lowpass(cutoff: Tensor, radius: int) -> Tensor:
    """``(N, k, k)``: a circular ideal low-pass, ``ω J₁(ω r) / (2π r)``.

    Args:
        cutoff: ω as a fraction of π.
        radius: Pixels.
    """
    x, y = _grid(radius, cutoff)
    r = (x**2 + y**2).sqrt()
    omega = math.pi * cutoff.reshape(-1, 1, 1)
    rim = omega * torch.special.bessel_j1(omega * r) / (2 * math.pi * r.clamp_min(0.5))
    # The limit at the centre, where the fraction is undefined.
    return _normalised(torch.where(r == 0, omega**2 / (4 * math.pi), rim))


def line(length: Tensor, angle: Tensor, radius: int) -> Tensor:
    """``(N, k, k)``: ``max(0, 1 - d)``, d the distance from a line through the centre.

    Args:
        length: Of the line in pixels, ends included.
        angle: Degrees counterclockwise.
        radius: Pixels.
    """
    along, across = _turned(angle, radius)
    half = (length.reshape(-1, 1, 1) - 1) / 2
    beyond = (along.abs() - half).clamp_min(0)
    return _normalised((1 - (across**2 + beyond**2).sqrt()).clamp_min(0))


def disc(radius: Tensor, reach: int) -> Tensor:
    """``(N, k, k)``: a uniform disc with a soft rim one pixel wide: a lens out of focus.

    Args:
        radius: Pixels.
        reach: Radius of the kernel in pixels; k is twice that plus one.
    """
    x, y = _grid(reach, radius)
    inside = radius.reshape(-1, 1, 1) + 0.5 - (x**2 + y**2).sqrt()
    return _normalised(inside.clamp(0.0, 1.0).clamp_min(_LEAST_SIGMA * (x**2 + y**2 == 0)))


def path(points: Tensor, reach: int, sigma: float = 0.5) -> Tensor:
    """``(N, k, k)``: a small Gaussian moved along points: camera shake.

    Args:
        points: ``(N, T, 2)`` rows and columns in pixels, relative to the centre.
        reach: Radius of the kernel in pixels.
        sigma: Standard deviation of the Gaussian.
    """
    offsets = torch.arange(-reach, reach + 1, dtype=points.dtype, device=points.device)
    squares = (points[..., None] - offsets).square() / (2 * sigma**2)
    rows, columns = (-squares).exp().unbind(2)
    return _normalised(torch.einsum("ntr,ntc->nrc", rows, columns))


def variance(kernel: Tensor) -> Tensor:
    """``(N,)``: the mean of a kernel's second moments along both axes, in square pixels."""
    x, y = _grid(kernel.shape[-1] // 2, kernel)
    return (kernel * (x**2 + y**2)).sum(dim=(1, 2)) / 2
