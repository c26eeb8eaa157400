"""The discriminator of SRGAN: a VGG-like stack that scores how real a picture looks.

::

    x (N, C, H, W) ─ 3×3, 64 ─ LeakyReLU
      ─ 3×3/2, 64 ─ BN ─ LeakyReLU            (H/2)
      ─ 3×3, 128 ─ BN ─ LeakyReLU ─ 3×3/2, 128 ─ BN ─ LeakyReLU   (H/4)
      ─ 3×3, 256 ─ BN ─ LeakyReLU ─ 3×3/2, 256 ─ BN ─ LeakyReLU   (H/8)
      ─ 3×3, 512 ─ BN ─ LeakyReLU ─ 3×3/2, 512 ─ BN ─ LeakyReLU   (H/16)
      ─ pooled: mean over all pixels; dense: all 6×6×512 values of a 96 px picture
      ─ dense, 1024 ─ LeakyReLU ─ dense, 1 ─► score (N, 1)

The score is a logit: the adversarial losses (`crispen.lab.losses.adversarial`) contain the sigmoid
that the paper shows as the last layer.

Parameters with 64 channels on RGB: 23,565,505 in the paper's form for 96 px ("dense"), 5,215,425
with the mean ("pooled"), which accepts any input of 16 px or more.

Source: C. Ledig et al., "Photo-realistic single image super-resolution using a generative
adversarial network", CVPR 2017, arXiv:1609.04802, figure 4.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from crispen.errors import UsageError
from crispen.lab.table import Table

DENSE_PX = 96
SMALLEST_PX = 16


class DiscriminatorTable(Table):
    """The network that tells generated pictures from real ones."""

    kind: Literal["vgg"] = "vgg"
    width: int = Field(64, ge=4, le=128, description="channels of the first layer")
    form: Literal["pooled", "dense"] = Field(
        "pooled", description="pooled: any input size; dense: the paper's, 96 px only"
    )

    def build(self, channels: int) -> Discriminator:
        """The untrained network."""
        return Discriminator(channels, self.width, dense=self.form == "dense")


class Discriminator(nn.Module):
    """``(N, C, H, W)`` in [0, 1] → scores ``(N, 1)``, higher if it looks real."""

    def __init__(self, channels: int = 3, width: int = 64, *, dense: bool = False) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1), nn.LeakyReLU(0.2)]
        plan = [(1, 1, 2), (1, 2, 1), (2, 2, 2), (2, 4, 1), (4, 4, 2), (4, 8, 1), (8, 8, 2)]
        for before, after, stride in plan:
            layers += [
                nn.Conv2d(before * width, after * width, 3, stride, padding=1),
                nn.BatchNorm2d(after * width),
                nn.LeakyReLU(0.2),
            ]
        self.features = nn.Sequential(*layers)
        self.dense = dense
        side = DENSE_PX // 16 if dense else 1
        self.pool = nn.Identity() if dense else nn.AdaptiveAvgPool2d(1)
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(8 * width * side * side, 16 * width),
            nn.LeakyReLU(0.2),
            nn.Linear(16 * width, 1),
        )

    def check_side(self, side: int) -> None:
        """Refuses an HR crop that the network cannot judge.

        Raises:
            UsageError: Not 96 px for the dense form, or less than 16 px.
        """
        if self.dense and side != DENSE_PX:
            raise UsageError(
                f"adversarial.discriminator: the dense form judges crops of {DENSE_PX} px, not "
                f'{side}; set data.patch = {DENSE_PX} / scale, or form = "pooled"'
            )
        if side < SMALLEST_PX:
            raise UsageError(
                f"adversarial.discriminator: needs crops of {SMALLEST_PX} px or more, not {side}; "
                "make data.patch larger"
            )

    def forward(self, x: Tensor) -> Tensor:
        """One logit per picture."""
        # The picture's values are centred, like the tanh outputs in the paper.
        return self.head(self.pool(self.features(x * 2.0 - 1.0)))  # type: ignore[no-any-return]
