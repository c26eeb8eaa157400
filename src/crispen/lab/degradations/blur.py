"""Blur: out of focus, motion, ringing of a low-pass, or median smoothing."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import BeforeValidator, Field
from torch import Generator, Tensor

from crispen.lab.degradations import kernels
from crispen.lab.degradations.base import (
    Angle,
    Degradation,
    Limits,
    Span,
    draw,
    normal,
    uniform,
)
from crispen.lab.degradations.filtering import convolve, convolve_axes, in_bands, pad

Sigma = Annotated[Span, BeforeValidator(Limits(0, 50))]
Ratio = Annotated[Span, BeforeValidator(Limits(0, 1))]
Radius = Annotated[Span, BeforeValidator(Limits(0, 50))]
Length = Annotated[Span, BeforeValidator(Limits(1, 200))]
Cutoff = Annotated[Span, BeforeValidator(Limits(0, 1, open_below=True))]

_SINC_RADIUS = 10
_SHAKE_STEPS = 16


class Blur(Degradation):
    """Base of all blurs: they come before the shrinking."""

    def blurs(self) -> bool:
        """A lens comes before a sensor."""
        return True


class GaussianBlur(Blur):
    """The same blur in all directions: slightly out of focus.

    ::

        y = x * g,  g(u, v) ∝ exp(-(u² + v²) / 2σ²)

    cut off at 3 σ (the range's largest σ); edge pixels are repeated. Source: the Gaussian
    kernel of R. Gonzalez and R. Woods, "Digital Image Processing", section 3.5.
    """

    kind: Literal["gaussian-blur"] = "gaussian-blur"
    main: ClassVar[str] = "sigma"
    sigma: Sigma = Field((0.2, 3.0), description="standard deviation in pixels")

    def margin(self, scale: int) -> int:
        """Three standard deviations."""
        return kernels.reach(self.sigma[1])

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """Blurs down, then across."""
        radius = kernels.reach(self.sigma[1])
        offsets = x.new_tensor(range(-radius, radius + 1))
        return convolve_axes(x, kernels.gaussian(draw(self.sigma, x, generator), offsets))


class AnisotropicBlur(Blur):
    """A Gaussian that is wider in one direction: bad lenses, shaken cameras.

    ::

        y = x * g,  g(u) ∝ exp(-uᵀ Σ⁻¹ u / 2),  Σ = R(θ) diag(σ², (ρσ)²) R(θ)ᵀ

    ρ is the ratio of the two axes and θ the angle. Source: K. Zhang et al., "Designing a Practical
    Degradation Model for Deep Blind Image Super-Resolution", 2021, arXiv:2103.14006.
    """

    kind: Literal["anisotropic-blur"] = "anisotropic-blur"
    main: ClassVar[str] = "sigma"
    sigma: Sigma = Field((0.5, 4.0), description="standard deviation along the angle, in pixels")
    ratio: Ratio = Field(
        (0.2, 1.0), description="standard deviation across the angle, as a fraction of sigma"
    )
    angle: Angle = Field((0.0, 180.0), description="degrees against the clock; 0 is horizontal")

    def margin(self, scale: int) -> int:
        """Three standard deviations."""
        return kernels.reach(self.sigma[1])

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """Blurs."""
        long, ratio, angle = (draw(s, x, generator) for s in (self.sigma, self.ratio, self.angle))
        radius = kernels.reach(self.sigma[1])
        return convolve(x, kernels.elliptic(long, long * ratio, angle, radius))


class MotionBlur(Blur):
    """The camera, or what it saw, moved in a straight line.

    ::

        y = x * m,  m(u) ∝ max(0, 1 - d(u))

    d is the distance in pixels from a line of that length through the centre. Source: MATLAB's
    ``fspecial("motion")``.
    """

    kind: Literal["motion-blur"] = "motion-blur"
    main: ClassVar[str] = "length"
    length: Length = Field((3.0, 15.0), description="length of the motion in pixels; 1 is none")
    angle: Angle = Field((0.0, 180.0), description="degrees against the clock; 0 is horizontal")

    def margin(self, scale: int) -> int:
        """Half the line."""
        return int(self.length[1] / 2 + 1)

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """Blurs."""
        length, angle = draw(self.length, x, generator), draw(self.angle, x, generator)
        return convolve(x, kernels.line(length, angle, self.margin(scale)))


class DiscBlur(Blur):
    """Out of focus: every point becomes a uniform disc.

    ::

        y = x * d,  d(r) ∝ clamp(radius + 1/2 - r, 0, 1)

    Source: MATLAB's ``fspecial("disk")``, with a rim one pixel wide.
    """

    kind: Literal["disc-blur"] = "disc-blur"
    main: ClassVar[str] = "radius"
    radius: Radius = Field((0.5, 4.0), description="radius of the disc in pixels")

    def margin(self, scale: int) -> int:
        """The disc plus its rim."""
        return int(self.radius[1]) + 1

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """Blurs."""
        return convolve(x, kernels.disc(draw(self.radius, x, generator), self.margin(scale)))


class ShakeBlur(Blur):
    """The hand shook: every point becomes a short curved line.

    ::

        y = x * k,  k = Σ_t g(p - p_t),  p_t a path of random turns

    g is a Gaussian of half a pixel. Source: the random trajectories of G. Boracchi and A. Foi,
    "Modeling the performance of image restoration from motion blur", 2012,
    doi:10.1109/TIP.2012.2192126, without their sudden jolts.
    """

    kind: Literal["shake-blur"] = "shake-blur"
    main: ClassVar[str] = "length"
    length: Length = Field((2.0, 10.0), description="length of the path in pixels")

    def margin(self, scale: int) -> int:
        """Half the path plus the Gaussian's tail."""
        return int(self.length[1] / 2) + 2

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """Blurs."""
        points = shake(draw(self.length, x, generator), x, generator)
        return convolve(x, kernels.path(points, self.margin(scale)))


def shake(length: Tensor, x: Tensor, generator: Generator) -> Tensor:
    """``(N, 16, 2)``: for each picture of `x` a path of that length with random turns.

    Args:
        length: ``(N, 1, 1, 1)`` in pixels.
        x: The pictures.
        generator: On the device of `x`.
    """
    first = 2 * math.pi * uniform((len(x), 1), x, generator)
    turns = 0.45 * normal((len(x), _SHAKE_STEPS), x, generator)
    angle = first + turns.cumsum(dim=1)
    steps = torch.stack([angle.sin(), angle.cos()], dim=-1)
    points = steps.cumsum(dim=1) * (length.reshape(-1, 1, 1) / _SHAKE_STEPS)
    return points - points.mean(dim=1, keepdim=True)


class Sinc(Blur):
    """Ringing: the echo beside every edge that sharp low-passes and oversharpening leave.

    ::

        y = x * s,  s(r) ∝ ω J₁(ω r) / 2πr,  ω = π · cutoff

    J₁ is the Bessel function; the kernel has 21×21 pixels. Source: X. Wang et al., "Real-ESRGAN",
    2021, arXiv:2107.10833, equation 6.
    """

    kind: Literal["sinc"] = "sinc"
    main: ClassVar[str] = "cutoff"
    cutoff: Cutoff = Field((1 / 3, 1.0), description="highest frequency kept; 1 keeps all")

    def margin(self, scale: int) -> int:
        """The kernel's radius."""
        return _SINC_RADIUS

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """Filters."""
        return convolve(x, kernels.lowpass(draw(self.cutoff, x, generator), _SINC_RADIUS))


class MedianBlur(Blur):
    """What a cheap noise filter leaves: flat patches and no fine lines.

    ::

        y(p) = median of x in the square of size×size pixels around p

    per channel; edge pixels are repeated. Source: J. Tukey, "Exploratory Data Analysis", 1977.
    """

    kind: Literal["median-blur"] = "median-blur"
    main: ClassVar[str] = "size"
    size: Literal[3, 5, 7] = Field(3, description="side of the square in pixels")

    def margin(self, scale: int) -> int:
        """Half the square."""
        return self.size // 2

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """Filters."""
        reach = self.size // 2

        def filtered(part: Tensor) -> Tensor:
            wide = pad(part, (0, 0), (reach, reach))
            squares = wide.unfold(-2, self.size, 1).unfold(-2, self.size, 1)
            return squares.flatten(-2).median(dim=-1).values

        return in_bands(x, reach, filtered)
