"""Lost single pixels: salt and pepper, and random colours."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from crispen.lab.degradations.base import Degradation, Proportion, Ranged, draw, uniform


class SaltAndPepper(Ranged):
    """Pixels that became white or black.

    ::

        y = white with probability p s,  black with probability p (1 - s),  else x

    once per pixel; p is the proportion, s the share of salt. Source: R. Gonzalez and R. Woods,
    "Digital Image Processing", section 5.2.
    """

    kind: Literal["salt-and-pepper"] = "salt-and-pepper"
    main: ClassVar[str] = "proportion"
    proportion: Proportion = Field((0.3, 0.6), description="proportion of lost pixels")
    salt: float = Field(0.5, ge=0, le=1, description="share of white among the lost pixels")
    per_channel: bool = Field(False, description="lose single values of a pixel, not all of them")

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """Replaces pixels by white or black."""
        p = draw(self.proportion, x, generator)
        channels = x.shape[1] if self.per_channel else 1
        u = uniform((len(x), channels, *x.shape[2:]), x, generator)
        value = (u >= p * (1 - self.salt)).to(x.dtype) * (self.white - self.black) + self.black
        return torch.where(u < p, value, x)


class ColorNoise(Degradation):
    """Pixels replaced by a random colour.

    ::

        y = c with probability p,  else x;  c ~ U(0, 1)³

    once per pixel; p is the proportion. Source: the random-valued impulse noise of R. Chan, C.
    Hu and M. Nikolova, "An Iterative Procedure for Removing Random-Valued Impulse Noise", 2004,
    doi:10.1109/LSP.2004.838190, with one draw for the three channels of a pixel.
    """

    kind: Literal["color-noise"] = "color-noise"
    main: ClassVar[str] = "proportion"
    proportion: Proportion = Field((0.3, 0.6), description="proportion of replaced pixels")

    def needs_color(self) -> bool:
        """Grey pixels would be a different noise."""
        return True

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """Replaces pixels."""
        p = draw(self.proportion, x, generator)
        lost = uniform((len(x), 1, *x.shape[2:]), x, generator) < p
        return torch.where(lost, uniform(tuple(x.shape), x, generator), x)
