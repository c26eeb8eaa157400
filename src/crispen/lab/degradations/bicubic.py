"""Bicubic shrinking that equals MATLAB's, on batches, on the training device.

``lr = round(C · round(R · hr))`` with the banded matrices of `crispen.media.resample.taps`: two
batched matrix products per step, exact to the last grey level away from the crop's edge.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from crispen.lab.degradations.base import Shrinking
from crispen.lab.degradations.resampling import Kernel, resample, resample_axis
from crispen.media.resample import taps

_REACH: dict[Kernel, int] = {"area": 0, "nearest": 0, "bilinear": 1, "bicubic": 2, "lanczos": 3}


class BicubicDown:
    """Shrinks crops by `scale` and drops the border that the crop's own edge influences.

    A crop of ``scale · (size + 2 · rim)`` pixels gives ``size`` LR pixels, all of them equal to
    those of the whole picture.

    Attributes:
        rim: LR pixels to drop on each side.
    """

    rim = 2

    def __init__(self, scale: int, size: int, device: torch.device | str = "cpu") -> None:
        n_out = size + 2 * self.rim
        full = taps(n_out * scale, n_out, factor=1.0 / scale).matrix(n_out * scale)
        kept = full[self.rim : self.rim + size]
        self.matrix = torch.from_numpy(kept).float().to(device)  # (size, crop)
        self.crop = n_out * scale
        self.scale = scale

    def __call__(self, hr: Tensor) -> tuple[Tensor, Tensor]:
        """``(N, C, crop, crop)`` grey levels 0…255 → LR ``(N, C, size, size)`` and its HR."""
        rows = torch.floor(self.matrix @ hr + 0.5).clamp_(0, 255)
        lr = torch.floor(rows @ self.matrix.T + 0.5).clamp_(0, 255)
        edge = self.rim * self.scale
        return lr, hr[..., edge:-edge, edge:-edge]


class Bicubic(Shrinking):
    """Bicubic shrinking that equals MATLAB's imresize: how the literature makes LR pictures.

    ::

        y = round(round(R x) Cᵀ),  x and y in whole levels of 255

    R and C are the banded matrices of Keys' kernel (a = -0.5), stretched by the factor. Source: R.
    Keys, "Cubic convolution interpolation for digital image processing", 1981,
    doi:10.1109/TASSP.1981.1163711.
    """

    kind: Literal["bicubic"] = "bicubic"
    rounded: bool = Field(
        True, description="round to whole levels of 255 before, between and after, as MATLAB does"
    )

    def margin(self, scale: int) -> int:
        """The kernel's radius: two pixels of the result."""
        return BicubicDown.rim * self.shrink(scale)

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """A side of n pixels becomes one of ceil(n / factor)."""
        factor = self.shrink(scale)
        height, width = (-(-n // factor) for n in x.shape[-2:])
        if not self.rounded:
            return resample(x, height, width, "bicubic", factor=1.0 / factor)
        levels = torch.round(x * 255.0)
        rows = resample_axis(levels, -2, height, "bicubic", factor=1.0 / factor)
        rows = torch.floor(rows + 0.5).clamp_(0, 255)
        both = resample_axis(rows, -1, width, "bicubic", factor=1.0 / factor)
        return torch.floor(both + 0.5).clamp_(0, 255) / 255.0


class Resize(Shrinking):
    """Shrinking by another kernel: what cameras, websites and programs do.

    ::

        y = R x Cᵀ

    R and C hold the weights of the kernel, stretched by the factor (``nearest`` takes one pixel of
    each cell, ``area`` their mean). Source: `crispen.media.resample`; ``area`` is OpenCV's
    ``INTER_AREA``.
    """

    kind: Literal["resize"] = "resize"
    main: ClassVar[str] = "method"
    method: Kernel = Field("area", description="the kernel")

    def margin(self, scale: int) -> int:
        """The kernel's radius, in pixels of the result."""
        return _REACH[self.method] * self.shrink(scale)

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """A side of n pixels becomes one of ceil(n / factor)."""
        factor = self.shrink(scale)
        height, width = (-(-n // factor) for n in x.shape[-2:])
        return resample(x, height, width, self.method, factor=1.0 / factor)
