"""The denoising study's autoencoder with a fully connected layer between encoder and decoder.

::

    x 32×32×3 ─ encoder ─ 8×8×2 or 2×2×8 ─ flat n ─ dense, n ─ ReLU ─ unflat ─ decoder ─► 32×32×3

Encoder and decoder are those of `crispen.lab.networks.autoencoder_denoise`; n = 128 or 32. On RGB
it has 29,477 (12,965 + 16,512) or 24,715 parameters (23,659 + 1,056). The dense layer connects all
positions with each other and fixes the input to 32 px. The study found it worse, and every
repetition agrees: it must first learn which pixels are neighbours.

Source of the idea: G. E. Hinton and R. R. Salakhutdinov, "Reducing the dimensionality of data with
neural networks", Science 2006, doi:10.1126/science.1127647.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from crispen.lab.networks.autoencoder_denoise import Bottleneck, decoder, encoder
from crispen.lab.networks.base import Architecture, Network, he_init

WINDOW_PX = 32


class AutoencoderDenseTable(Architecture):
    """The denoising autoencoder with a dense middle (`crispen.lab.networks.autoencoder_dense`)."""

    kind: Literal["autoencoder-dense"] = "autoencoder-dense"
    bottleneck: Bottleneck = Field("8x8x2", description="size and channels for a 32×32 picture")

    def build(self, scale: int, channels: int) -> AutoencoderDense:
        """See `Architecture.build`."""
        self.require_scale(scale, 1)
        return AutoencoderDense(channels, self.bottleneck)

    def describe(self) -> str:
        """See `Architecture.describe`."""
        return f"4x4 convolutions of stride 2, max-pool, a dense layer on {self.bottleneck}, mirror"


class AutoencoderDense(Network):
    """Strided convolutions, a max-pool, one fully connected layer, and their mirror."""

    def __init__(self, channels: int = 3, bottleneck: Bottleneck = "8x8x2") -> None:
        super().__init__(1, channels)
        self.window_px = WINDOW_PX
        self.shape = (2, 8, 8) if bottleneck == "8x8x2" else (8, 2, 2)
        values = self.shape[0] * self.shape[1] * self.shape[2]
        self.encoder = encoder(channels, bottleneck)
        self.dense = nn.Linear(values, values)
        self.decoder = decoder(channels, bottleneck)
        he_init(self, self.decoder[-1])

    def forward(self, x: Tensor) -> Tensor:
        """The output picture; `x` is ``(N, C, 32, 32)``."""
        codes = F.relu(self.dense(self.encoder(x).flatten(1)))
        return self.finish(self.decoder(codes.reshape(-1, *self.shape)))
