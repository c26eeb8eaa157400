"""Pictures that were made small and large again."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import BeforeValidator, Field
from torch import Generator, Tensor

from crispen.lab.degradations.base import Degradation, Limits, Span, draw
from crispen.lab.degradations.resampling import Kernel, resample

Size = Annotated[Span, BeforeValidator(Limits(0, 1, open_below=True, percent=True))]

# How many cells around its own a pixel of the result depends on.
_REACH: dict[Kernel, int] = {"area": 1, "nearest": 1, "bilinear": 2, "bicubic": 3, "lanczos": 4}


class Pixelate(Degradation):
    """Made small, so that detail is lost, and brought back to the old size.

    ::

        y = up(area(x, s)),  sides of round(s n) pixels in between

    ``area`` is the mean over each cell. Source: the sharpening study of the classic autoencoder,
    which goes down to 25 to 50 % of each side.
    """

    kind: Literal["pixelate"] = "pixelate"
    main: ClassVar[str] = "size"
    size: Size = Field((0.25, 0.5), description="of each side that is left in between")
    down: Kernel = Field("area", description="the kernel of the shrinking")
    up: Kernel = Field("nearest", description="the kernel of the enlarging")

    def margin(self, scale: int) -> int:
        """The cells that the enlarging looks at."""
        return math.ceil(_REACH[self.up] / self.size[0])

    def grid(self, scale: int) -> int:
        """The largest cell."""
        return math.ceil(1 / self.size[0])

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """There and back; pictures that draw the same size go together."""
        height, width = x.shape[-2:]
        sizes = draw(self.size, x, generator).flatten().tolist()
        small = [(max(1, round(height * s)), max(1, round(width * s))) for s in sizes]
        if len(set(small)) == 1:
            return self._there_and_back(x, *small[0])
        out = torch.empty_like(x)
        for size in sorted(set(small)):
            chosen = [i for i, s in enumerate(small) if s == size]
            out[chosen] = self._there_and_back(x[chosen], *size)
        return out

    def _there_and_back(self, x: Tensor, height: int, width: int) -> Tensor:
        small = resample(x, height, width, self.down)
        return resample(small, x.shape[-2], x.shape[-1], self.up)
