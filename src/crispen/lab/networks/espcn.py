"""ESPCN: the classic efficient sub-pixel network, as the fourth study trained it.

::

    x (N, C, H, W) ─ 5×5, 64 ─ ReLU ─ 3×3, 64 ─ ReLU ─ 3×3, 32 ─ ReLU ─ 3×3, C·scale² ─► residual

58,212 parameters on luma at x2: 1,664 + 36,928 + 18,464 + 1,156; each further plane of the last
layer adds 289. This is the four-layer ReLU form in common use, with the bicubic base that most
networks here have.

``variant = "study"`` is the same network as in the study: without a base, so the layers carry the
picture themselves::

    x ─ 5×5, 64 ─ ReLU ─ 3×3, 64 ─ ReLU ─ 3×3, 32 ─ ReLU ─ 3×3, C·scale² ─ shuffle ─► picture

``variant = "paper"`` is what the paper [1]_ describes: one layer fewer, tanh, and no base (21,284
parameters at x2, 22,729 at x3)::

    x (N, C, H, W) ─ 5×5, 64 ─ tanh ─ 3×3, 32 ─ tanh ─ 3×3, C·scale² ─ shuffle ─► picture

.. [1] W. Shi et al., "Real-time single image and video super-resolution using an efficient
   sub-pixel convolutional neural network", CVPR 2016, arXiv:1609.05158
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import AliasChoices, Field
from torch import Tensor, nn
from torch.nn import functional as F

from crispen.errors import UsageError
from crispen.lab.networks.activations import (
    DESCRIPTION,
    ReluOrClipped,
    make_activation,
    make_conv,
)
from crispen.lab.networks.base import Architecture, Network, Upscaler
from crispen.lab.networks.reach import conv, halo, spread


class EspcnTable(Architecture):
    """The classic sub-pixel network (`crispen.lab.networks.espcn`)."""

    kind: Literal["espcn"] = "espcn"
    # Called `form` until version 0.2; older recipes stay readable.
    variant: Literal["common", "study", "paper"] = Field(
        "common",
        validation_alias=AliasChoices("variant", "form"),
        description="common: four layers, ReLU, bicubic base; study: the same without a base; "
        "paper: three layers, tanh, no base",
    )
    activation: ReluOrClipped = Field("relu", description=f"{DESCRIPTION}; not of the paper's")

    def build(self, scale: int, channels: int) -> Network:
        """See `Architecture.build`."""
        if self.variant == "paper":
            if self.activation != "relu":
                raise UsageError(
                    'network.activation: the variant "paper" of espcn has tanh, which cannot be '
                    'trained for int8; leave it out, or set network.variant = "common"'
                )
            return PaperESPCN(scale, channels)
        form = StudyESPCN if self.variant == "study" else ESPCN
        return form(scale, channels, self.activation)

    def describe(self) -> str:
        """See `Architecture.describe`."""
        if self.variant == "paper":
            return "5-3-3 convolutions, 64-32 channels, tanh"
        base = ", without a base" if self.variant == "study" else ""
        return f"5-3-3-3 convolutions, 64-64-32 channels, {self.activation}{base}"


class ESPCN(Upscaler):
    """5-3-3-3 convolutions with 64-64-32-scale² filters, ReLU, sub-pixel shuffle."""

    def __init__(self, scale: int, channels: int = 1, activation: ReluOrClipped = "relu") -> None:
        super().__init__(scale, channels)
        self.halo = 5
        self.conv1 = nn.Conv2d(channels, 64, 5, padding=2)
        self.conv2 = make_conv(activation, 64, 64)
        self.conv3 = make_conv(activation, 64, 32)
        self.tail = make_conv(activation, 32, channels * scale * scale)
        self.activations = nn.ModuleList(make_activation(activation) for _ in range(3))
        for layer in (self.conv1, self.conv2, self.conv3):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        with torch.no_grad():
            self.tail.weight.mul_(0.1)
            self.tail.bias.zero_()  # type: ignore[union-attr]

    def residual(self, x: Tensor) -> Tensor:
        """See `Upscaler.residual`."""
        layers = (self.conv1, self.conv2, self.conv3)
        for layer, activation in zip(layers, self.activations, strict=True):
            x = activation(layer(x))
        return self.tail(x)  # type: ignore[no-any-return]


class StudyESPCN(ESPCN):
    """The same layers without the bicubic base: they carry the picture."""

    base: Literal["bicubic", "none"] = "none"

    def __init__(self, scale: int, channels: int = 1, activation: ReluOrClipped = "relu") -> None:
        super().__init__(scale, channels, activation)
        nn.init.kaiming_normal_(self.tail.weight, nonlinearity="linear")

    def compose(self, x: Tensor, residual: Tensor) -> Tensor:
        """The layers' output after the shuffle; full precision, not clipped."""
        return F.pixel_shuffle(residual.float(), self.scale)


class PaperESPCN(Network):
    """5-3-3 convolutions with 64-32-scale² filters, tanh, sub-pixel shuffle; no bicubic base."""

    def __init__(self, scale: int, channels: int = 1) -> None:
        super().__init__(scale, channels)
        self.halo = halo(conv(5), conv(3), conv(3), spread(scale), scale=scale)
        self.conv1 = nn.Conv2d(channels, 64, 5, padding=2)
        self.conv2 = nn.Conv2d(64, 32, 3, padding=1)
        self.tail = nn.Conv2d(32, channels * scale * scale, 3, padding=1)
        for layer in (self.conv1, self.conv2, self.tail):
            nn.init.xavier_normal_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """The enlarged picture."""
        x = torch.tanh(self.conv1(x))
        x = torch.tanh(self.conv2(x))
        return self.finish(F.pixel_shuffle(self.tail(x), self.scale))
