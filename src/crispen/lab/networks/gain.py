"""A relighting network: sees the picture at an eighth of its size, answers with a gain and a lift.

::

    x (N, C, H, W) ─ mean, max, min of 8×8 cells (N, 3·C, H/8, W/8)
                   ─ 3×3, width ─ ReLU ─ [dilated 3×3, width ─ ReLU] at 1, 2, 4, 8, 4, 2, 1
                   ─ 3×3, 2·C ─ bilinear ×8 ─► gain, lift (N, C, H, W)
    output = x · (1 + gain) + lift

Wrong light is smooth, detail is not: so the layers never touch the detail, and work on a 64th of
the pixels. The darkest and brightest value of each cell are what tells a dim picture from a
picture of something dark. Predicting a smooth affine change of colour at low resolution, and
applying it at full, is the idea of M. Gharbi et al., "Deep bilateral learning for real-time image
enhancement", 2017, doi:10.1145/3072959.3073592; the maps here have no range axis.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from crispen.lab.networks.base import Architecture, Network, he_init
from crispen.lab.networks.reach import bilinear, conv, halo, pool

CELL = 8
DILATIONS = (1, 2, 4, 8, 4, 2, 1)


class GainTable(Architecture):
    """A smooth gain and lift for each channel (`crispen.lab.networks.gain`)."""

    kind: Literal["gain"] = "gain"
    width: int = Field(48, ge=4, le=256, description="channels of each hidden layer")

    def build(self, scale: int, channels: int) -> Gain:
        """See `Architecture.build`."""
        self.require_scale(scale, 1)
        return Gain(channels, self.width)

    def describe(self) -> str:
        """See `Architecture.describe`."""
        return f"{len(DILATIONS) + 2} 3x3 convolutions at 1/{CELL} size, {self.width} channels"


class Gain(Network):
    """``(N, C, H, W)`` → the same size, H and W multiples of 8."""

    multiple = CELL
    halo = halo(
        pool(CELL),
        conv(3),
        *(conv(2 * d + 1) for d in DILATIONS),
        conv(3),
        bilinear(CELL),
        multiple=CELL,
    )

    def __init__(self, channels: int = 3, width: int = 48) -> None:
        super().__init__(1, channels)
        self.head = nn.Conv2d(3 * channels, width, 3, padding=1)
        self.body = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=d, dilation=d) for d in DILATIONS
        )
        self.tail = nn.Conv2d(width, 2 * channels, 3, padding=1)
        he_init(self)
        with torch.no_grad():
            # Begin by leaving the picture as it is, with layers that hardly raise the level.
            self.tail.weight.zero_()
            for layer in self.body:
                layer.weight.mul_(0.3)  # type: ignore[operator]

    def maps(self, x: Tensor) -> Tensor:
        """``(N, 2·C, H/8, W/8)``: gain and lift of each cell."""
        darkest = -F.max_pool2d(-x, CELL)
        cells = torch.cat([F.avg_pool2d(x, CELL), F.max_pool2d(x, CELL), darkest], dim=1)
        y = F.relu(self.head(cells))
        for layer in self.body:
            y = F.relu(y + layer(y))
        return self.tail(y)  # type: ignore[no-any-return]

    def forward(self, x: Tensor) -> Tensor:
        """The picture in better light."""
        maps = self.maps(x)
        with torch.autocast(x.device.type, enabled=False):
            # Full precision: these two operations carry the picture itself.
            smooth = F.interpolate(
                maps.float(), scale_factor=float(CELL), mode="bilinear", align_corners=False
            )
            gain, lift = smooth.chunk(2, dim=1)
            return self.finish(x.float() * (1.0 + gain) + lift)
