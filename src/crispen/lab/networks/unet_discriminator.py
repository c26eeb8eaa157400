"""The discriminator of Real-ESRGAN: a U-Net that scores how real every pixel looks.

::

    x (N, C, H, W) ─ 3×3, w ─ 4×4/2, 2w ─ 4×4/2, 4w ─ 4×4/2, 8w
      ─ enlarged ─ 3×3, 4w (+) ─ enlarged ─ 3×3, 2w (+) ─ enlarged ─ 3×3, w (+)
      ─ 3×3, w ─ 3×3, w ─ 3×3, 1 ─► scores (N, 1, H, W)

(+): the encoder's features of that size are added. Each convolution except the first and the last
has a largest singular value of one (spectral normalisation), which keeps training stable.

Sources: X. Wang et al., "Real-ESRGAN", ICCVW 2021, arXiv:2107.10833; E. Schönfeld et al., "A U-Net
based discriminator for generative adversarial networks", CVPR 2020, arXiv:2002.12655; T. Miyato et
al., "Spectral normalization for generative adversarial networks", ICLR 2018, arXiv:1802.05957.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from crispen.errors import UsageError
from crispen.lab.table import Table

_SLOPE = 0.2
MULTIPLE = 8


class UNetDiscriminatorTable(Table):
    """A U-Net that judges every pixel (`crispen.lab.networks.unet_discriminator`)."""

    kind: Literal["unet"] = "unet"
    width: int = Field(64, ge=4, le=128, description="channels at full size")

    def build(self, channels: int) -> UNetDiscriminator:
        """The untrained network."""
        return UNetDiscriminator(channels, self.width)


class UNetDiscriminator(nn.Module):
    """``(N, C, H, W)`` in [0, 1] → scores ``(N, 1, H, W)``, higher if it looks real."""

    def __init__(self, channels: int = 3, width: int = 64) -> None:
        super().__init__()

        def normed(before: int, after: int, side: int, stride: int = 1) -> nn.Module:
            layer = nn.Conv2d(before, after, side, stride, padding=1, bias=False)
            return spectral_norm(layer)

        w = width
        self.first = nn.Conv2d(channels, w, 3, padding=1)
        self.down = nn.ModuleList(
            normed(a, b, 4, 2) for a, b in ((w, 2 * w), (2 * w, 4 * w), (4 * w, 8 * w))
        )
        self.up = nn.ModuleList(
            normed(a, b, 3) for a, b in ((8 * w, 4 * w), (4 * w, 2 * w), (2 * w, w))
        )
        self.last = nn.ModuleList([normed(w, w, 3), normed(w, w, 3)])
        self.score = nn.Conv2d(w, 1, 3, padding=1)

    def check_side(self, side: int) -> None:
        """Refuses an HR crop that the network cannot judge.

        Raises:
            UsageError: Its side is not a multiple of 8.
        """
        if side % MULTIPLE:
            raise UsageError(
                f"adversarial.discriminator: needs crops whose side is a multiple of {MULTIPLE}, "
                f"not {side}; make data.patch times the scale one"
            )

    def forward(self, x: Tensor) -> Tensor:
        """One logit per pixel."""
        x = F.leaky_relu(self.first(x), _SLOPE)
        seen = []
        for layer in self.down:
            seen.append(x)
            x = F.leaky_relu(layer(x), _SLOPE)
        for layer in self.up:
            x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = F.leaky_relu(layer(x), _SLOPE) + seen.pop()
        for layer in self.last:
            x = F.leaky_relu(layer(x), _SLOPE)
        score: Tensor = self.score(x)
        return score
