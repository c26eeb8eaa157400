"""A perceptual network on top of a faithful one, whose result shrinks back to the input.

::

    x ─┬─ faithful, as it was trained ─► f ────────────────────────────────────┬─(+)─► residual
       └─ detail ─► d ─(-f)─► e ─► e - enlarge(blur(shrink(e))) - m ─(× vivid)─┘

Both output the phases of a residual (`crispen.lab.networks.base`). Back-projection [1]_ removes the
part of their difference that would still be visible at the input's size: blurred by half an input
pixel and shrunk again, the result equals that of the faithful network within one level. So colours,
and everything that a viewer could tell apart in the input, stay unchanged. Only what lies between
its pixels, and how crisp its edges are, is invented. `vivid` from 0 to 1 blends from one network to
the other, and slightly beyond (`EMPHASIS`), since a small network that learned from a large one is
too soft.

Sub-pixel phases whose means differ would show as a grid of dots on every flat area, so the running
mean m of each is subtracted, as in batch normalisation.

.. [1] M. Irani and S. Peleg, "Improving resolution by image registration", CVGIP 1991
"""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from crispen.lab.networks.base import Architecture, Upscaler, bicubic_kernel
from crispen.lab.networks.plain import Plain
from crispen.media.resample import taps

# Input pixels that shrinking uses, and enlarging, along one side.
_CELLS = 5
_REACH = 3 * (_CELLS // 2)
EMPHASIS = 1.3
# How fast the running mean of a phase follows.
_MOMENTUM = 0.02
# The blur between the two, in input pixels. What it removes may be sharpened: inputs that were
# enlarged, shrunk or out of focus are never sharp to the last pixel.
_BLUR = 0.7


class VividTable(Architecture):
    """A perceptual plain stack on top of a faithful one (`crispen.lab.networks.vivid`)."""

    kind: Literal["vivid"] = "vivid"
    faithful: str = Field(
        "real-x2",
        description="the frozen model, by name or as an ONNX file; its network is "
        "plain, with dials",
    )
    faithful_width: int = Field(
        48, ge=4, le=256, description="channels of the frozen model's hidden layers"
    )
    faithful_depth: int = Field(14, ge=1, le=64, description="hidden layers of the frozen model")
    width: int = Field(64, ge=4, le=256, description="channels of each trained hidden layer")
    depth: int = Field(14, ge=1, le=64, description="trained hidden layers")
    activation: Literal["clipped-relu"] = Field(
        "clipped-relu", description="of both networks, so that engines can run them in int8"
    )

    def build(self, scale: int, channels: int) -> Vivid:
        """See `Architecture.build`."""
        self.require_scale(scale, 2, 3, 4)
        faithful, detail = (
            Phases(scale, channels, width, depth, self.activation, rich=rich, dials=True)
            for width, depth, rich in (
                (self.faithful_width, self.faithful_depth, False),
                (self.width, self.depth, True),
            )
        )
        return Vivid(faithful, detail)

    def describe(self) -> str:
        """See `Architecture.describe`."""
        return (
            f"{self.depth + 2} 3x3 convolutions, {self.width} channels, {self.activation}, "
            f"back-projected onto {self.faithful}, three dials"
        )


def _shrinking(scale: int) -> NDArray[np.float64]:
    """``(5, scale)``: bicubic shrinking along one axis, over the sub-pixels of five pixels."""
    cells = 2 * _CELLS
    axis = taps(cells * scale, cells, factor=1 / scale).matrix(cells * scale)[_CELLS]
    first = _CELLS - _CELLS // 2
    found: NDArray[np.float64] = axis.reshape(cells, scale)[first : first + _CELLS]
    return found


def shrinking_kernel(scale: int, channels: int) -> Tensor:
    """``(channels, channels · scale², 5, 5)``: bicubic shrinking of a picture in phases.

    Equal to MATLAB's `imresize` by 1/scale, except at the picture's edge.
    """
    axis = _shrinking(scale)
    plane = np.einsum("yi,xj->ijyx", axis, axis).reshape(scale**2, _CELLS, _CELLS)
    kernel = torch.zeros(channels, channels * scale**2, _CELLS, _CELLS)
    for c in range(channels):
        kernel[c, c * scale**2 : (c + 1) * scale**2] = torch.from_numpy(plane)
    return kernel


def blurring_kernel(channels: int) -> Tensor:
    """``(channels, 1, 5, 5)``: a Gaussian of `_BLUR`, per channel."""
    axis = torch.exp(-0.5 * ((torch.arange(_CELLS) - _CELLS // 2) / _BLUR) ** 2)
    axis = axis / axis.sum()
    return (axis[:, None] * axis).expand(channels, 1, _CELLS, _CELLS).clone()


class Phases(Plain):
    """A plain network that outputs its residual."""

    def forward(self, x: Tensor, dials: Tensor | None = None) -> Tensor:
        """As `Plain.residual`."""
        return self.residual(x, dials)


class Vivid(Upscaler):
    """Mixes two networks of one scale; only `detail` learns.

    Args:
        faithful: Not trained.
        detail: The perceptual network.
    """

    has_dials = True
    has_vivid = True
    shrinking: Tensor
    blurring: Tensor
    enlarging: Tensor
    mean: Tensor

    def __init__(self, faithful: Phases, detail: Phases) -> None:
        super().__init__(detail.scale, detail.channels)
        assert faithful.halo is not None
        assert detail.halo is not None
        self.faithful = faithful.requires_grad_(False).eval()
        self.detail = detail
        self.halo = max(faithful.halo, detail.halo) + _REACH
        for name, kernel in (
            ("shrinking", shrinking_kernel(self.scale, self.channels)),
            ("blurring", blurring_kernel(self.channels)),
            ("enlarging", bicubic_kernel(self.scale, self.channels)),
        ):
            self.register_buffer(name, kernel, persistent=False)
        self.register_buffer("mean", torch.zeros(1, self.channels * self.scale**2, 1, 1))

    def train(self, mode: bool = True) -> Self:
        """Only `detail` trains: `faithful` stays unrounded and clipped."""
        super().train(mode)
        self.faithful.eval()
        return self

    def forward(
        self, x: Tensor, dials: Tensor | None = None, vivid: Tensor | None = None
    ) -> Tensor:
        """See `Upscaler.forward`; `vivid` is a scalar, 1 unless given."""
        return self.finish(self.compose(x, self.residual(x, dials, vivid)))

    def residual(
        self, x: Tensor, dials: Tensor | None = None, vivid: Tensor | None = None
    ) -> Tensor:
        """See `Upscaler.residual`."""
        with torch.no_grad():
            faithful = self.faithful(x, dials)
        difference = self.detail(x, dials) - faithful
        invented = difference - self._seen_small(difference)
        if self.training:
            with torch.no_grad():
                now = invented.float().mean((0, 2, 3), keepdim=True)
                self.mean.lerp_(now, _MOMENTUM)
        invented = invented - self.mean.to(invented.dtype)
        # Training sees the output without emphasis.
        emphasis = 1.0 if self.training else EMPHASIS
        residual: Tensor = faithful + emphasis * (invented if vivid is None else vivid * invented)
        return residual

    def _seen_small(self, phases: Tensor) -> Tensor:
        """What remains of phases after shrinking, blurring and enlarging."""
        x = phases
        for kernel, groups in (
            (self.shrinking, 1),
            (self.blurring, self.channels),
            (self.enlarging, 1),
        ):
            x = F.pad(x, (_CELLS // 2,) * 4, mode="replicate")
            x = F.conv2d(x, kernel.to(x.dtype), groups=groups)
        return x

    def merged(self) -> Vivid:
        """See `Network.merged`."""
        merged = Vivid(self.faithful.merged(), self.detail.merged())
        with torch.no_grad():  # the means vanish when shrunk, so they may be folded in earlier
            merged.detail.tail.bias.sub_(self.mean.flatten())  # type: ignore[union-attr]
        return merged.train(self.training)
