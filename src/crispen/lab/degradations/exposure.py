"""Pictures that are too dark, too bright, too flat or in the wrong light."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import BeforeValidator, Field
from torch import Generator, Tensor

from crispen.lab.degradations.base import Degradation, Limits, Proportion, Ranged, Span, draw

Stops = Annotated[Span, BeforeValidator(Limits(-8, 8))]
Exponent = Annotated[Span, BeforeValidator(Limits(0.1, 10))]


def linear(x: Tensor) -> Tensor:
    """Linear light of sRGB values in [0, 1] [IEC 61966-2-1]."""
    return torch.where(x <= 0.04045, x / 12.92, ((x.clamp(min=0) + 0.055) / 1.055) ** 2.4)


def encoded(light: Tensor) -> Tensor:
    """The inverse of `linear`; a straight line below 0."""
    curve = 1.055 * light.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(light <= 0.0031308, light * 12.92, curve)


class Darken(Ranged):
    """Less light.

    ::

        y = black + (1 - p) (x - black)

    Black is 0 unless given, so p = 0.4 leaves 60 % of every value. Source: the denoising study of
    the classic autoencoders darkens by 30 to 60 %.
    """

    kind: Literal["darken"] = "darken"
    main: ClassVar[str] = "proportion"
    proportion: Proportion = Field((0.3, 0.6), description="proportion removed from every value")

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """Darkens."""
        return x - draw(self.proportion, x, generator) * (x - self.black)


class Brighten(Ranged):
    """More light, as through fog: every value moves towards white.

    ::

        y = x + p (white - x)

    White is 1 unless given. Nothing is clipped, so it can be fully undone: it equals darkening the
    negative. With ``way = "multiply"`` every value is raised by that share and clipped to white,
    which cannot be undone::

        y = min(white, black + (1 + p) (x - black))

    Source: the denoising study of the classic autoencoders brightens by 30 to 60 %, by multiplying.
    """

    kind: Literal["brighten"] = "brighten"
    main: ClassVar[str] = "proportion"
    proportion: Proportion = Field(
        (0.3, 0.6), description="proportion of the distance to white, or of the value"
    )
    way: Literal["fog", "multiply"] = Field(
        "fog", description="fog: towards white; multiply: in proportion, clipped to white"
    )

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """Brightens."""
        share = draw(self.proportion, x, generator)
        if self.way == "fog":
            return x + share * (self.white - x)
        return (self.black + (1 + share) * (x - self.black)).clamp(max=self.white)


class Exposure(Degradation):
    """More or less light in the camera.

    ::

        y = encode(2^stops decode(x))

    In linear light, with sRGB's curve. Values brighter than white are clipped to it, which cannot
    be undone.
    """

    kind: Literal["exposure"] = "exposure"
    main: ClassVar[str] = "stops"
    stops: Stops = Field((-3.0, 2.0), description="change of light, in powers of two")

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """Changes the light."""
        return encoded(linear(x) * torch.exp2(draw(self.stops, x, generator)))


class Gamma(Degradation):
    """A tone curve mistaken for another.

    ::

        y = x^exponent

    Below 1 it brightens, above 1 it darkens; black and white are unchanged.
    """

    kind: Literal["gamma"] = "gamma"
    main: ClassVar[str] = "exponent"
    exponent: Exponent = Field((0.5, 2.0), description="drawn evenly on a logarithmic scale")

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """Applies the curve."""
        low, high = (float(torch.tensor(end).log()) for end in self.exponent)
        return x.clamp(min=0.0) ** draw((low, high), x, generator).exp()


class Contrast(Degradation):
    """Less contrast, as by haze, a faded print or a bad scan.

    ::

        y = p + share (x - p)

    Nothing is clipped, so it can be fully undone.
    """

    kind: Literal["contrast"] = "contrast"
    main: ClassVar[str] = "share"
    share: Proportion = Field((0.3, 0.8), description="share of the contrast that is left")
    pivot: Proportion = Field((0.2, 0.8), description="the value that does not change")

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """Reduces contrast."""
        pivot, share = (draw(span, x, generator) for span in (self.pivot, self.share))
        return pivot + share * (x - pivot)


class ColorCast(Degradation):
    """Light of a colour other than white.

    ::

        y = encode(2^(gain/2) decode(x)), where the gain is warmth, tint and -warmth

    In linear light, with sRGB's curve: the white balance of a camera set wrongly.
    """

    kind: Literal["color-cast"] = "color-cast"
    main: ClassVar[str] = "warmth"
    warmth: Stops = Field((-1.0, 1.0), description="how much more red than blue, in powers of two")
    tint: Stops = Field((-0.2, 0.2), description="how much more green, in powers of two")

    def needs_color(self) -> bool:
        """See `Degradation.needs_color`."""
        return True

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """Tints the light."""
        warmth, tint = (draw(span, x, generator) for span in (self.warmth, self.tint))
        gains = torch.exp2(torch.cat([warmth, tint, -warmth], dim=1) / 2)
        return encoded(linear(x) * gains)
