"""JPEG compression in batches: what libjpeg does, without a file."""

from __future__ import annotations

import functools
import math
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import BeforeValidator, Field
from torch import Generator, Tensor
from torch.nn import functional as F

from crispen.lab.degradations.base import Degradation, Limits, Span, draw
from crispen.lab.degradations.filtering import pad
from crispen.media.color import BT601_FULL

Quality = Annotated[Span, BeforeValidator(Limits(1, 100))]
Chroma = Literal["4:2:0", "4:4:4"]

# ITU-T T.81, Annex K, tables K.1 and K.2.
LUMA_TABLE = (
    *(16, 11, 10, 16, 24, 40, 51, 61),
    *(12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56),
    *(14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77),
    *(24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101),
    *(72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMA_TABLE = (
    *(17, 18, 24, 47, 99, 99, 99, 99),
    *(18, 21, 26, 66, 99, 99, 99, 99),
    *(24, 26, 56, 99, 99, 99, 99, 99),
    *(47, 66, 99, 99, 99, 99, 99, 99),
    *(99,) * 32,
)


@functools.lru_cache(maxsize=8)
def _constants(device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The block DCT as a 64×64 matrix, the tables ``(2, 64)``, and both colour transforms."""
    k, n = torch.arange(8.0)[:, None], torch.arange(8.0)[None]
    dct = torch.cos(math.pi * (2 * n + 1) * k / 16) / 2
    dct[0] /= math.sqrt(2)
    tables = torch.tensor([LUMA_TABLE, CHROMA_TABLE], dtype=torch.float32)
    to_ycc = torch.from_numpy(BT601_FULL.matrix).float()
    constants = (torch.kron(dct, dct), tables, to_ycc, to_ycc.inverse())
    offset = torch.tensor([0.0, 128.0, 128.0]).reshape(1, 3, 1, 1)
    first, second, third, fourth = (c.to(device) for c in constants)
    return first, second, third, fourth, offset.to(device)


def quantisation(quality: Tensor, table: Tensor) -> Tensor:
    """``(N, 64)``: libjpeg's divisors for qualities ``(N, 1)`` from 1 to 100."""
    percent = torch.where(quality < 50, torch.floor(5000 / quality), 200 - 2 * quality)
    return torch.floor((table * percent + 50) / 100).clamp(1, 255)


def _compressed(plane: Tensor, divisors: Tensor, dct: Tensor) -> Tensor:
    """``(N, C, H, W)`` levels, sides multiples of 8, through quantised coefficients and back."""
    n, c, height, width = plane.shape
    shape = (n, c, height // 8, 8, width // 8, 8)
    blocks = (plane - 128).reshape(shape).permute(0, 1, 2, 4, 3, 5).reshape(n, -1, 64)
    divisors = divisors[:, None]
    # As in libjpeg, coefficients are whole eighths, and halves round away from zero.
    steps = torch.round((blocks @ dct.T).mul_(8)).div_(divisors * 8)
    coefficients = torch.floor(steps.abs() + 0.5).copysign_(steps).mul_(divisors)
    pixels = (coefficients @ dct).add_(128).round_().clamp_(0, 255)
    back = pixels.reshape(n, c, height // 8, width // 8, 8, 8).permute(0, 1, 2, 4, 3, 5)
    return back.reshape(plane.shape)


def _alternating(first: float, second: float, plane: Tensor) -> Tensor:
    """A row that libjpeg adds before truncating, so that halves round up and down in turn."""
    return plane.new_tensor([first, second]).repeat(-(-plane.shape[-1] // 2))[: plane.shape[-1]]


def _halved(plane: Tensor) -> Tensor:
    mean = F.avg_pool2d(plane, 2)
    return (mean + _alternating(0.25, 0.5, mean)).floor_()


def _doubled(plane: Tensor) -> Tensor:
    """The triangle filter that libjpeg calls "fancy upsampling"."""
    wide = F.interpolate(plane, scale_factor=2, mode="bilinear")
    return (wide + _alternating(0.5, 0.4375, wide)).floor_()


def jpeg(x: Tensor, quality: Tensor, chroma: Chroma = "4:2:0") -> Tensor:
    """The pixels after JPEG of that quality.

    Args:
        x: ``(N, C, H, W)`` in [0, 1]; three channels are RGB, any other number is grey.
        quality: ``(N, 1)`` whole numbers from 1 to 100, as libjpeg counts them.
        chroma: Whether the colour differences are stored at half the size.
    """
    height, width = x.shape[-2:]
    dct, tables, to_ycc, to_rgb, offset = _constants(x.device)
    luma = quantisation(quality, tables[0])
    x = torch.round(x.clamp(0, 1) * 255)
    color = x.shape[1] == 3
    half = color and chroma == "4:2:0"
    cell = 16 if half else 8
    x = pad(x, (0, -height % cell), (0, -width % cell))
    if not color:
        return _compressed(x, luma, dct)[..., :height, :width] / 255
    ycc = torch.einsum("dc,nchw->ndhw", to_ycc, x).add_(offset).round_()
    differences = _halved(ycc[:, 1:]) if half else ycc[:, 1:]
    differences = _compressed(differences, quantisation(quality, tables[1]), dct)
    if half:
        differences = _doubled(differences)
    ycc = torch.cat([_compressed(ycc[:, :1], luma, dct), differences], dim=1)
    rgb = torch.einsum("dc,nchw->ndhw", to_rgb, ycc.sub_(offset)).round_().clamp_(0, 255)
    return rgb[..., :height, :width] / 255


class Jpeg(Degradation):
    """JPEG: blocks of 8×8 pixels, ringing, washed-out colours.

    ::

        y = IDCT(q · round(DCT(x) / q))

    in 8×8 blocks of Y'CbCr, where q are the tables of Annex K scaled by the quality as in libjpeg;
    with 4:2:0 the colour differences have half the size. Gives whole levels of 255; differs from
    libjpeg's own result by well under one level. Source: ITU-T T.81; libjpeg, ``jcparam.c``.
    """

    kind: Literal["jpeg"] = "jpeg"
    main: ClassVar[str] = "quality"
    quality: Quality = Field((30.0, 95.0), description="from 1 to 100, rounded to whole numbers")
    chroma: Chroma = Field("4:2:0", description="4:2:0 keeps colour at half the size")

    def grid(self, scale: int) -> int:
        """The luma block, or four of them with one of each colour difference."""
        return 16 if self.chroma == "4:2:0" else 8

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """Compresses."""
        quality = draw(self.quality, x, generator).reshape(-1, 1).round()
        return jpeg(x, quality, self.chroma)
