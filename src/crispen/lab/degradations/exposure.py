"""Pictures that are too dark or too bright."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field
from torch import Generator, Tensor

from crispen.lab.degradations.base import Proportion, Ranged, draw


class Darken(Ranged):
    """Less light.

    ::

        y = black + (1 - p) (x - black)

    Black is 0 unless given, so p = 0.4 leaves 60 % of every value. Source: the denoising study of
    the classic autoencoders darkens by 30 to 60 %.
    """

    kind: Literal["darken"] = "darken"
    main: ClassVar[str] = "proportion"
    proportion: Proportion = Field((0.3, 0.6), description="of every value that is taken away")

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """Takes light away."""
        return x - draw(self.proportion, x, generator) * (x - self.black)


class Brighten(Ranged):
    """More light, as through fog: every value moves towards white.

    ::

        y = x + p (white - x)

    White is 1 unless given. Nothing is clipped, so all of it can be undone: it is darkening of the
    negative. Source: the
    denoising study of the classic autoencoders brightens by 30 to 60 %.
    """

    kind: Literal["brighten"] = "brighten"
    main: ClassVar[str] = "proportion"
    proportion: Proportion = Field((0.3, 0.6), description="of the way to white")

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """Adds light."""
        return x + draw(self.proportion, x, generator) * (self.white - x)
