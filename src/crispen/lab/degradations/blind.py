"""The second-order degradation chain of blind super-resolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Self

import torch
from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError
from torch import Generator, Tensor
from torch.nn import functional as F

from crispen.lab.degradations import kernels
from crispen.lab.degradations.base import Levels, Limits, Shrinking, Span, draw, uniform
from crispen.lab.degradations.blur import Cutoff, Sigma, Sinc
from crispen.lab.degradations.composition import OneOf
from crispen.lab.degradations.filtering import convolve
from crispen.lab.degradations.jpeg import Jpeg, Quality
from crispen.lab.degradations.noise import GaussianNoise, Photons, PoissonNoise
from crispen.lab.table import Table

Part = Annotated[Span, BeforeValidator(Limits(0.05, 4))]

_RADIUS = 10
# How programs resize, well and badly: the kernel, and whether it is stretched when shrinking.
_RESIZES = (
    ("area", False),
    ("bilinear", False),
    ("bicubic", False),
    ("bilinear", True),
    ("bicubic", True),
)
# The six kinds of kernel: round or not, times Gaussian, generalised Gaussian or plateau.
_ROUND = 0.69
_GENERALISED = 0.15
_PLATEAU = 0.15


class Stage(Table):
    """One pass through blur, resizing, noise and JPEG."""

    blur: float = Field(1.0, ge=0, le=1, description="probability of a blur")
    sinc: float = Field(0.1, ge=0, le=1, description="proportion of sinc blurs, which ring")
    sigma: Sigma = Field(
        (0.2, 3.0), description="standard deviation of the blur in pixels, for each axis"
    )
    cutoff: Cutoff = Field((1 / 3, 1.0), description="cutoff frequency of a sinc blur")
    size: Part = Field(
        (0.6, 1.5),
        description="range of resize factors: relative to the target's side in the first pass, "
        "with the smaller number divided by the scale; to the result's side in the "
        "second",
    )
    up: float = Field(0.2, ge=0, le=1, description="probability of enlarging")
    down: float = Field(0.7, ge=0, le=1, description="probability of shrinking")
    noise: Levels = Field((1.0, 30.0), description="Gaussian noise in levels of 255")
    photons: Photons = Field((30.0, 10000.0), description="Poisson noise: photons that make white")
    poisson: float = Field(0.5, ge=0, le=1, description="proportion of Poisson noise")
    grey: float = Field(0.4, ge=0, le=1, description="proportion of grey noise")
    quality: Quality = Field((30.0, 95.0), description="JPEG quality")

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if self.up + self.down > 1:
            raise PydanticCustomError("stage", "up and down: expected at most 1 together")
        return self

    def kernels(self, x: Tensor, generator: Generator) -> Tensor:
        """``(N, 21, 21)``: a separate blur per picture."""

        def chance(p: float) -> Tensor:
            return uniform((len(x), 1, 1, 1), x, generator) < p

        long, short = (draw(self.sigma, x, generator) for _ in range(2))
        short = torch.where(chance(_ROUND), long, short)
        angle = draw((0.0, 180.0), x, generator)
        kind = uniform((len(x), 1, 1, 1), x, generator)
        heavy, flat, top = (draw(s, x, generator) for s in ((0.5, 1.0), (1.0, 4.0), (1.0, 2.0)))
        beta = torch.where(chance(0.5), heavy, flat)
        beta = torch.where(kind < _GENERALISED, beta, torch.ones_like(beta))
        blurred = torch.where(
            (kind > 1 - _PLATEAU).reshape(-1, 1, 1),
            kernels.plateau(long, short, angle, _RADIUS, top),
            kernels.elliptic(long, short, angle, _RADIUS, beta),
        )
        ringing = kernels.lowpass(draw(self.cutoff, x, generator), _RADIUS)
        blurred = torch.where(chance(self.sinc)[:, 0], ringing, blurred)
        nothing = torch.zeros_like(blurred)
        nothing[:, _RADIUS, _RADIUS] = 1
        return torch.where(chance(self.blur)[:, 0], blurred, nothing)

    def resized(
        self, x: Tensor, side: tuple[int, ...], coins: Sequence[float], scale: int
    ) -> Tensor:
        """Resizes all pictures in the same way.

        Args:
            x: The pictures.
            side: The size that the factor refers to.
            coins: Three uniform draws from [0, 1): up, down or neither; how much; which method.
            scale: The smallest factor is divided by it.
        """
        kind, place, method = coins
        part = 1.0
        if kind < self.up:
            part += place * max(0.0, self.size[1] - 1)
        elif kind < self.up + self.down:
            least = min(1.0, self.size[0] / scale)
            part = least + place * (1 - least)
        return _resized(x, tuple(max(8, round(n * part)) for n in side), method)

    def add_noise(self, x: Tensor, generator: Generator) -> Tensor:
        """Gaussian or Poisson, grey or not."""
        gaussian, grey = 1 - self.poisson, self.grey
        noise = OneOf(
            parts=(
                GaussianNoise(sigma=self.noise, grey=True),
                GaussianNoise(sigma=self.noise),
                PoissonNoise(photons=self.photons, grey=True),
                PoissonNoise(photons=self.photons),
            ),
            weights=(
                gaussian * grey,
                gaussian * (1 - grey),
                self.poisson * grey,
                self.poisson * (1 - grey),
            ),
        )
        return noise(x, generator)


class Blind(Shrinking):
    """Blur, resizing, noise and JPEG, all twice, then a low-pass: unknown, as in real life.

    ::

        y = l(j(n(r(b(j(n(r(b(x)))))))))

    b blurs (Gaussian, generalised or plateau kernel, round or not, sometimes a sinc), r resizes by
    a random factor and method, n adds Gaussian or Poisson noise, grey or coloured, j is JPEG, and l
    resizes to the final size and applies a sinc filter, before or after the last JPEG. The result
    is rounded to whole levels. Source: X. Wang et al., "Real-ESRGAN", 2021, arXiv:2107.10833, whose
    numbers are the defaults for scale 4; it builds on K. Zhang et al., 2021, arXiv:2103.14006.
    Unlike there, every picture of a batch has its own kernels, noise and quality; the pictures of a
    group share sizes and resizing methods.
    """

    kind: Literal["blind"] = "blind"
    main: ClassVar[str] = ""
    first: Stage = Field(Stage(), description="the first pass")
    second: Stage = Field(
        Stage(
            blur=0.8,
            sigma=(0.2, 1.5),
            size=(0.3, 1.2),
            up=0.3,
            down=0.4,
            noise=(1.0, 25.0),
            photons=(40.0, 10000.0),
        ),
        description="the second pass",
    )
    last_sinc: float = Field(0.8, ge=0, le=1, description="probability of the last sinc filter")
    groups: int = Field(
        4,
        ge=1,
        description="number of groups per batch; more are slower and more varied",
    )

    def margin(self, scale: int) -> int:
        """Eight pixels of the result: beyond that, the effect is negligible."""
        return 8 * self.shrink(scale)

    def grid(self, scale: int) -> int:
        """The blocks of the last JPEG."""
        return 16 * self.shrink(scale)

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """A side of n pixels becomes one of ceil(n / factor)."""
        factor = self.shrink(scale)
        # Steps that keep the size run on the whole batch at once, which is faster.
        x = convolve(x, self.first.kernels(x, generator))
        last = Jpeg(quality=self.second.quality)
        groups = x.chunk(min(self.groups, len(x)))
        early = uniform((len(groups),), x, generator)
        middle = []
        for group, coin in zip(groups, early.tolist(), strict=True):
            y, resize = self._group(group, generator, factor)
            y = last(y, generator) if coin < 0.5 else y
            middle.append(_resized(y, _result(group, factor), resize))
        x = torch.cat(middle)
        x = Sinc(cutoff=self.second.cutoff, probability=self.last_sinc)(x, generator)
        counts = torch.tensor([len(group) for group in groups], device=x.device)
        late = (early >= 0.5).repeat_interleave(counts)
        if late.any():
            x[late] = last(x[late], generator)
        return torch.round(x * 255.0) / 255.0

    def _group(self, x: Tensor, generator: Generator, factor: int) -> tuple[Tensor, float]:
        """The passes up to the second noise, and the draw for the last resizing."""
        *coins, last = uniform((7,), x, generator).tolist()
        result = _result(x, factor)
        x = self.first.resized(x, tuple(x.shape[-2:]), coins[:3], factor)
        x = self.first.add_noise(x, generator)
        x = Jpeg(quality=self.first.quality)(x, generator)
        x = convolve(x, self.second.kernels(x, generator))
        x = self.second.resized(x, result, coins[3:], 1)
        return self.second.add_noise(x, generator), last


def _result(x: Tensor, factor: int) -> tuple[int, ...]:
    return tuple(-(-side // factor) for side in x.shape[-2:])


def _resized(x: Tensor, size: tuple[int, ...], coin: float) -> Tensor:
    if tuple(x.shape[-2:]) == size:
        return x
    mode, stretched = _RESIZES[int(coin * len(_RESIZES))]
    resized = F.interpolate(x, size=size, mode=mode, antialias=stretched)
    return resized.clamp_(0.0, 1.0)
