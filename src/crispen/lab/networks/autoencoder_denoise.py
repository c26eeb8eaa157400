"""The denoising study's convolutional autoencoder, with two sizes of bottleneck.

``2x2x8``, 23,659 parameters on RGB, for a CIFAR-10 picture::

    x 32×32×3 ─ 4×4/2, 32 ─ 16² ─ 4×4/2, 16 ─ 8² ─ 4×4/2, 8 ─ 4² ─ max-pool 2 ─► 2×2×8
      ─ nearest ×2 ─ 4² ─ 4×4/2ᵀ, 16 ─ 8² ─ 4×4/2ᵀ, 32 ─ 16² ─ 4×4/2ᵀ, 3 ─► 32×32×3

that is 1,568 + 8,208 + 2,056 for the encoder and 2,064 + 8,224 + 1,539 for its mirror. With three
4×4 layers of channels a, b, 8 and back there are 98·a + 32·a·b + 258·b + 11 parameters, which is
23,659 for a = 32, b = 16.

``8x8x2``, 12,965 parameters (the study gives no number)::

    x 32×32×3 ─ 4×4/2, 32 ─ 16² ─ max-pool 2 ─ 8² ─ 3×3, 16 ─ 3×3, 2 ─► 8×8×2
      ─ 3×3, 16 ─ 3×3, 32 ─ nearest ×2 ─ 16² ─ 4×4/2ᵀ, 3 ─► 32×32×3

ReLU after every layer but the last. Both hold a 32×32 picture's 3,072 values in few (128 and 32),
which no picture survives sharp: the point that the study made. Fully convolutional, so that any
multiple of 16 or 4 px works.

Source of the idea: P. Vincent et al., "Extracting and composing robust features with denoising
autoencoders", ICML 2008, doi:10.1145/1390156.1390294.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from crispen.lab.networks.base import Architecture, Network, he_init
from crispen.lab.networks.reach import Step, conv, halo, pool, spread, transposed

Bottleneck = Literal["8x8x2", "2x2x8"]


class AutoencoderDenoiseTable(Architecture):
    """The denoising study's autoencoder (`crispen.lab.networks.autoencoder_denoise`)."""

    kind: Literal["autoencoder-denoise"] = "autoencoder-denoise"
    bottleneck: Bottleneck = Field("8x8x2", description="of a 32×32 picture: sides and channels")

    def build(self, scale: int, channels: int) -> AutoencoderDenoise:
        """See `Architecture.build`."""
        self.require_scale(scale, 1)
        return AutoencoderDenoise(channels, self.bottleneck)

    def describe(self) -> str:
        """See `Architecture.describe`."""
        return f"4x4 convolutions of stride 2, max-pool, mirrored decoder, {self.bottleneck}"


def encoder(channels: int, bottleneck: Bottleneck) -> nn.Sequential:
    """``(N, C, 32, 32)`` → ``(N, 2, 8, 8)`` or ``(N, 8, 2, 2)``."""
    if bottleneck == "2x2x8":
        return nn.Sequential(
            nn.Conv2d(channels, 32, 4, 2, 1),
            nn.ReLU(),
            nn.Conv2d(32, 16, 4, 2, 1),
            nn.ReLU(),
            nn.Conv2d(16, 8, 4, 2, 1),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
    return nn.Sequential(
        nn.Conv2d(channels, 32, 4, 2, 1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 2, 3, padding=1),
        nn.ReLU(),
    )


def decoder(channels: int, bottleneck: Bottleneck) -> nn.Sequential:
    """The mirror of `encoder`."""
    if bottleneck == "2x2x8":
        return nn.Sequential(
            nn.Upsample(scale_factor=2, mode="nearest"),
            nn.ConvTranspose2d(8, 16, 4, 2, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(16, 32, 4, 2, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(32, channels, 4, 2, 1),
        )
    return nn.Sequential(
        nn.Conv2d(2, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.Upsample(scale_factor=2, mode="nearest"),
        nn.ConvTranspose2d(32, channels, 4, 2, 1),
    )


def _steps(bottleneck: Bottleneck) -> list[Step]:
    down, up = conv(4, 2, 1), transposed(4, 2, 1)
    if bottleneck == "2x2x8":
        return [down, down, down, pool(), spread(2), up, up, up]
    return [down, pool(), *[conv(3)] * 4, spread(2), up]


class AutoencoderDenoise(Network):
    """Strided convolutions and a max-pool down to a few numbers, and the mirror of that."""

    def __init__(self, channels: int = 3, bottleneck: Bottleneck = "8x8x2") -> None:
        super().__init__(1, channels)
        self.multiple = 16 if bottleneck == "2x2x8" else 4
        self.halo = halo(*_steps(bottleneck), multiple=self.multiple)
        self.encoder = encoder(channels, bottleneck)
        self.decoder = decoder(channels, bottleneck)
        he_init(self, self.decoder[-1])

    def forward(self, x: Tensor) -> Tensor:
        """The finished picture."""
        return self.finish(self.decoder(self.encoder(x)))
