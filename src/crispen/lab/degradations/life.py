"""What happens to pictures in everyday use, and how much of it: for networks with dials.

::

    x ─ lens ─ shrink (and enlarge) ─ noise ─ sharpen ─ compress, once or twice ─► y, dials

Each picture draws its own lens, noise and qualities. Sizes and the kind of codec are drawn per
group of a batch, since the pictures of a group must share one size.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import BeforeValidator, Field
from torch import Generator, Tensor
from torch.nn import functional as F

from crispen.lab.degradations import kernels
from crispen.lab.degradations.base import (
    Levels,
    Limits,
    Shrinking,
    Span,
    draw,
    draw_log,
    normal,
    uniform,
)
from crispen.lab.degradations.bicubic import Bicubic
from crispen.lab.degradations.blur import shake
from crispen.lab.degradations.codecs import Codec, Crf, Video, coded_video, moving, webp
from crispen.lab.degradations.filtering import convolve, convolve_axes, pad
from crispen.lab.degradations.jpeg import Quality, jpeg
from crispen.lab.degradations.resampling import Kernel, resample
from crispen.lab.degradations.sensor import sensor_noise
from crispen.models.dials import (
    blur_dial,
    compression_dial,
    crf_step,
    jpeg_step,
    noise_dial,
    webp_step,
)

Sigma = Annotated[Span, BeforeValidator(Limits(0, 3))]
Part = Annotated[Span, BeforeValidator(Limits(0.3, 1))]

_RADIUS = 10
_SHARPEN_REACH = 4
# How programs shrink, with frequencies; "sharp" is bicubic without antialiasing.
_SHRINKING: tuple[tuple[Kernel | Literal["sharp"], float], ...] = (
    ("bicubic", 0.33),
    ("area", 0.25),
    ("bilinear", 0.15),
    ("lanczos", 0.18),
    ("sharp", 0.05),
    ("nearest", 0.04),
)
_ENLARGING: tuple[Kernel, ...] = ("bicubic", "bilinear", "bilinear", "lanczos")
# Variance of each kernel in square pixels of the smaller picture.
_VARIANCE = {"area": 1 / 12, "bilinear": 1 / 6}


@dataclass
class _Damage:
    """What is known about each picture of a batch, ``(N,)`` each.

    Attributes:
        variance: Of the blur, in square pixels of the result.
        noise: Standard deviation in levels.
        step: Step of the quantiser, see `crispen.models.dials.compression_dial`.
    """

    variance: Tensor
    noise: Tensor
    step: Tensor

    def dials(self) -> Tensor:
        """``(N, 3)`` in [0, 1]: noise, compression, blur."""
        rows = zip(
            self.noise.tolist(),
            self.step.tolist(),
            self.variance.clamp_min(0).sqrt().tolist(),
            strict=True,
        )
        rows_of_dials = [[noise_dial(n), compression_dial(s), blur_dial(b)] for n, s, b in rows]
        return torch.tensor(rows_of_dials, device=self.noise.device)


class Life(Shrinking):
    """A picture's life before it reaches us: lens, shrinking, sensor, sharpening, codecs.

    ::

        y = code(sharpen(shrink(x * k) + n))

    The picture is blurred by a lens, shrunk (and sometimes enlarged again), noisy, sharpened, and
    stored as JPEG once or twice, as WebP or as a video frame; each with its own probability. The
    result is in whole levels and comes with its known damage: a network with dials receives the
    amounts of noise, compression and blur. Source: the chain follows K. Zhang et al., 2021,
    arXiv:2103.14006 and X. Wang et al., 2021, arXiv:2107.10833, with sensor noise, WebP and video
    added; the dials generalise the noise map of K. Zhang et al., "FFDNet", 2018, arXiv:1710.04026.
    """

    kind: Literal["life"] = "life"
    main: ClassVar[str] = ""

    clean: float = Field(
        0.12, ge=0, le=1, description="share that is only shrunk bicubically, as in MATLAB"
    )
    lens: float = Field(0.6, ge=0, le=1, description="probability of a blur before shrinking")
    blur: Sigma = Field((0.1, 1.2), description="its standard deviation, in pixels of the result")
    enlarged: float = Field(0.12, ge=0, le=1, description="share of groups that were once smaller")
    part: Part = Field((0.45, 0.95), description="how much smaller: fraction of the result's side")
    noise: float = Field(0.55, ge=0, le=1, description="probability of noise")
    sigma: Levels = Field((0.5, 30.0), description="its standard deviation, drawn on a log scale")
    sharpen: float = Field(0.15, ge=0, le=1, description="probability of an unsharp mask")
    compress: float = Field(0.85, ge=0, le=1, description="probability of compression")
    quality: Quality = Field((20.0, 98.0), description="quality of JPEG and WebP")
    twice: float = Field(0.25, ge=0, le=1, description="share of groups with an earlier JPEG")
    webp: float = Field(0.08, ge=0, le=1, description="share of the pictures that are WebP")
    video: float = Field(0.15, ge=0, le=1, description="share of groups that are frames of video")
    crf: Crf = Field((16.0, 40.0), description="constant rate factor of the video")
    codec: Codec = Field("any", description="codec of the video")
    unknown: float = Field(0.3, ge=0, le=1, description="probability that a dial is left unknown")
    jitter: float = Field(0.03, ge=0, le=1, description="standard deviation of error in a dial")
    groups: int = Field(4, ge=1, description="number of groups per batch")

    def margin(self, scale: int) -> int:
        """Eight pixels of the result: beyond that, the effect is negligible."""
        return 8 * self.shrink(scale)

    def grid(self, scale: int) -> int:
        """The blocks of the last compression."""
        return 16 * self.shrink(scale)

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """A side of n pixels becomes one of ceil(n / factor)."""
        return self._lived(x, generator, scale)[0]

    def apply_with_dials(
        self, x: Tensor, generator: Generator, scale: int = 1
    ) -> tuple[Tensor, Tensor]:
        """See `Degradation.apply_with_dials`."""
        y, dials = self._lived(x, generator, scale)
        error = self.jitter * normal(tuple(dials.shape), dials, generator)
        known = (uniform(tuple(dials.shape), dials, generator) >= self.unknown).to(dials.dtype)
        # A dial of zero is exact: people can see that there is no damage.
        stated = torch.where(dials > 0, (dials + error).clamp(0, 1), dials) * known
        return self._clipped(y), torch.stack([stated, known], dim=2).flatten(1)

    def _lived(self, x: Tensor, generator: Generator, scale: int) -> tuple[Tensor, Tensor]:
        factor = self.shrink(scale)
        n = len(x)
        clean = uniform((n,), x, generator) < self.clean
        damage = _Damage(*(x.new_zeros(n) for _ in range(3)))
        y = self._seen(x, generator, factor, damage)
        parts = []
        for index in torch.arange(n).chunk(min(self.groups, n)):
            rows = slice(int(index[0]), int(index[-1]) + 1)
            mine = _Damage(damage.variance[rows], damage.noise[rows], damage.step[rows])
            parts.append(self._group(y[rows], generator, factor, mine))
        y = torch.cat(parts)
        if clean.any():
            y[clean] = Bicubic(factor=factor)(x[clean], generator) if factor > 1 else x[clean]
            for values in (damage.variance, damage.noise, damage.step):
                values[clean] = 0
        return torch.round(y.clamp(0, 1) * 255) / 255, damage.dials()

    def _seen(self, x: Tensor, generator: Generator, factor: int, damage: _Damage) -> Tensor:
        """Lens blur: round or not, out of focus, motion or shake."""
        sigma = draw(self.blur, x, generator) * factor
        ratio, angle = draw((0.4, 1.0), x, generator), draw((0.0, 180.0), x, generator)
        coin = uniform((len(x), 1, 1), x, generator)
        # A disc of radius r has a variance of r² / 4, a line of length l one of l² / 24.
        blurred = kernels.elliptic(sigma, sigma, angle, _RADIUS)
        for share, kernel in (
            (0.5, kernels.elliptic(sigma, sigma * ratio, angle, _RADIUS)),
            (0.2, kernels.disc(2 * sigma, _RADIUS)),
            (0.1, kernels.line(1 + 3 * sigma, angle, _RADIUS)),
            (0.05, kernels.path(shake(3 * sigma, x, generator), _RADIUS)),
        ):
            blurred = torch.where(coin < share, kernel, blurred)
        sharp = uniform((len(x), 1, 1), x, generator) >= self.lens
        nothing = torch.zeros_like(blurred)
        nothing[:, _RADIUS, _RADIUS] = 1
        blurred = torch.where(sharp, nothing, blurred)
        damage.variance += kernels.variance(blurred) / factor**2
        return convolve(x, blurred)

    def _group(self, x: Tensor, generator: Generator, factor: int, damage: _Damage) -> Tensor:
        coins = uniform((8,), x, generator).tolist()
        size = tuple(-(-side // factor) for side in x.shape[-2:])
        is_video = coins[0] < self.video
        if not is_video and coins[1] < self.twice:
            x = self._earlier(x, generator, size, coins[2:4], damage)
        if coins[4] < self.enlarged:
            part = self.part[0] + coins[5] * (self.part[1] - self.part[0])
            small = tuple(max(4, round(side * part)) for side in size)
            x = _shrunk(x, small, coins[6], damage, (size[0] / small[0]) ** 2)
            method = _ENLARGING[int(coins[7] * len(_ENLARGING))]
            # The loss by enlarging resembles a Gaussian of about half a pixel of the small picture.
            damage.variance += 0.25 * ((size[0] / small[0]) ** 2 - 1)
            x = resample(x, size[0], size[1], method).clamp(0, 1)
        else:
            x = _shrunk(x, size, coins[6], damage, 1.0)
        x = self._noisy(x, generator, damage)
        x = self._sharpened(x, generator, damage)
        return (
            self._filmed(x, generator, damage) if is_video else self._stored(x, generator, damage)
        )

    def _earlier(
        self,
        x: Tensor,
        generator: Generator,
        size: tuple[int, ...],
        coins: list[float],
        damage: _Damage,
    ) -> Tensor:
        """An earlier JPEG, at the result's size or larger, with blocks at any offset."""
        part = 1.0 if coins[0] < 0.4 else 1 + coins[1]
        middle = tuple(
            min(side, round(n * part)) for side, n in zip(x.shape[-2:], size, strict=True)
        )
        x = _shrunk(x, middle, coins[1], damage, (size[0] / middle[0]) ** 2)
        quality = draw(self.quality, x, generator).reshape(-1, 1).round()
        top, left = (int(8 * coin) for coin in coins)
        x = jpeg(pad(x, (top, 0), (left, 0)), quality)[..., top:, left:]
        steps = torch.tensor([jpeg_step(q) for q in quality.flatten().tolist()], device=x.device)
        damage.step += steps * size[0] / middle[0]
        return x

    def _noisy(self, x: Tensor, generator: Generator, damage: _Damage) -> Tensor:
        """Sensor noise, film grain, or white noise."""
        shape = (len(x), 1, 1, 1)
        kind, mosaic, grey, smooth, there = (uniform(shape, x, generator) for _ in range(5))
        sigma = draw_log((max(self.sigma[0], 1e-3), max(self.sigma[1], 1e-3)), x, generator)
        sigma = torch.where(there < self.noise, sigma, torch.zeros_like(sigma))
        photons = draw((0.2, 0.95), x, generator)
        noise = sensor_noise(
            x,
            generator,
            photons=torch.where(kind < 0.5, photons, -torch.ones_like(photons)),
            mosaic=(kind < 0.5) & (mosaic < 0.7),
            smooth=torch.where(smooth < 0.6, 2 * smooth, torch.zeros_like(smooth)),
            grey=(kind >= 0.5) & (grey < 0.3),
        )
        damage.noise += sigma.flatten()
        return torch.addcmul(x, noise, sigma / 255).clamp(0, 1)

    def _sharpened(self, x: Tensor, generator: Generator, damage: _Damage) -> Tensor:
        """An unsharp mask, ``x + a (x - g * x)``."""
        there = uniform((len(x), 1, 1, 1), x, generator) < self.sharpen
        if not there.any():
            return x
        amount = torch.where(there, draw((0.2, 1.2), x, generator), 0.0)
        sigma = draw((0.5, 1.2), x, generator)
        offsets = torch.arange(-_SHARPEN_REACH, _SHARPEN_REACH + 1.0, device=x.device)
        taps = kernels.gaussian(sigma, offsets)
        y = x + amount * (x - convolve_axes(x, taps))
        a = amount.flatten()
        centre, energy = taps[:, _SHARPEN_REACH] ** 2, taps.square().sum(dim=1) ** 2
        damage.noise *= ((1 + a) ** 2 - 2 * a * (1 + a) * centre + a**2 * energy).sqrt()
        damage.variance -= a * sigma.flatten() ** 2
        return y.clamp(0, 1)

    def _stored(self, x: Tensor, generator: Generator, damage: _Damage) -> Tensor:
        """JPEG, WebP, or unchanged."""
        quality = draw(self.quality, x, generator).reshape(-1, 1).round()
        coin, fine = (uniform((len(x),), x, generator) for _ in range(2))
        y = x.clone()
        is_webp = coin < self.compress * self.webp
        is_jpeg = (coin < self.compress) & ~is_webp
        for chosen, code in (
            (is_webp, webp),
            (is_jpeg & (fine < 0.7), jpeg),
            (is_jpeg & (fine >= 0.7), lambda part, q: jpeg(part, q, "4:4:4")),
        ):
            if chosen.any():
                y[chosen] = code(x[chosen], quality[chosen])
        steps = [
            webp_step(q) if w else jpeg_step(q) if j else 0.0
            for q, w, j in zip(
                quality.flatten().tolist(), is_webp.tolist(), is_jpeg.tolist(), strict=True
            )
        ]
        damage.step.copy_(torch.hypot(damage.step, torch.tensor(steps, device=x.device)))
        return y

    def _filmed(self, x: Tensor, generator: Generator, damage: _Damage) -> Tensor:
        """A frame of compressed video."""
        film = Video(crf=self.crf, codec=self.codec)
        factors = draw(self.crf, x, generator).flatten().round().tolist()
        codecs, counts = film.drawn(x, generator)
        clips = moving(x, generator, film.frames, draw((0.0, 4.0), x, generator))
        parts = [
            coded_video(clips[i : i + 1, film.frames - n :], [codecs[i]], [factors[i]], [n - 1])
            for i, n in enumerate(counts)
        ]
        steps = [crf_step(codec, crf) for codec, crf in zip(codecs, factors, strict=True)]
        damage.step.copy_(torch.hypot(damage.step, torch.tensor(steps, device=x.device)))
        return torch.cat(parts)


def _shrunk(x: Tensor, size: tuple[int, ...], coin: float, damage: _Damage, area: float) -> Tensor:
    """Resizes by one of the ways in which programs shrink.

    Args:
        x: The pictures.
        size: Of the result.
        coin: A uniform draw from [0, 1): which way.
        damage: The kernel's blur is added here.
        area: Square pixels of the final result per square pixel of `size`.
    """
    if tuple(x.shape[-2:]) == size:
        return x
    ends = itertools.accumulate(share for _, share in _SHRINKING)
    method = next(m for (m, _), end in zip(_SHRINKING, ends, strict=True) if coin < end)
    damage.variance += _VARIANCE.get(method, 0.0) * area
    if method == "sharp":
        return F.interpolate(x, size=size, mode="bicubic").clamp(0, 1)
    return resample(x, size[0], size[1], method).clamp(0, 1)
