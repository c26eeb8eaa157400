"""Pictures that were shrunk and enlarged again."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import BeforeValidator, Field
from torch import Generator, Tensor

from crispen.lab.degradations.base import Degradation, Limits, Span, draw
from crispen.lab.degradations.resampling import Kernel, resample

Size = Annotated[Span, BeforeValidator(Limits(0, 1, open_below=True, percent=True))]

# Number of cells around its own on which a pixel of the result depends.
_REACH: dict[Kernel, int] = {"area": 1, "nearest": 1, "bilinear": 2, "bicubic": 3, "lanczos": 4}


class Pixelate(Degradation):
    """Shrunk, so that detail is lost, and enlarged to the old size.

    ::

        y = up(area(x, s), 1/s),  sides of ceil(s n) pixels in between

    ``area`` is the mean over each cell of 1/s pixels. Source: the sharpening study of the
    classic autoencoder, which goes down to 25 to 50 % of each side.
    """

    kind: Literal["pixelate"] = "pixelate"
    main: ClassVar[str] = "size"
    size: Size = Field((0.25, 0.5), description="fraction of each side that is left in between")
    down: Kernel = Field("area", description="kernel for shrinking")
    up: Kernel = Field("nearest", description="kernel for enlarging")

    def margin(self, scale: int) -> int:
        """The cells that the enlarging uses."""
        return math.ceil(_REACH[self.up] / self.size[0])

    def grid(self, scale: int) -> int:
        """The largest cell."""
        return math.ceil(1 / self.size[0])

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """Down and up; one by one unless all draw the same size."""
        sizes = draw(self.size, x, generator).flatten().tolist()
        if len(set(sizes)) == 1:
            return self._there_and_back(x, sizes[0])
        return torch.cat([self._there_and_back(x[i : i + 1], s) for i, s in enumerate(sizes)])

    def _there_and_back(self, x: Tensor, size: float) -> Tensor:
        height, width = x.shape[-2:]
        # The factor follows the cells, so that a crop has the cells of the whole picture; the last
        # one may be cut.
        rows, columns = (max(1, math.ceil(side * size - 1e-6)) for side in (height, width))
        small = resample(x, rows, columns, self.down, factor=size)
        return resample(small, height, width, self.up, factor=1 / size)
