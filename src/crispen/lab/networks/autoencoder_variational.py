"""The denoising study's variational autoencoder, for 32×32 pictures.

::

    x 32×32×3 ─ 4×4/2, 64 ─ 16² ─ 4×4/2, 128 ─ 8² ─ flat 8,192 ─ dense ─ μ (10), log σ² (10)
      z = μ + σ·ε, ε ~ N(0, 1)          (z = μ when not training)
      z ─ dense, 8,192 ─ 8×8×128 ─ 4×4/2ᵀ, 64 ─ 16² ─ 4×4/2ᵀ, 3 ─► 32×32×3

ReLU after every hidden layer. 522,519 parameters on RGB: 3,136 + 131,200 + 2 · 81,930 + 90,112 +
131,136 + 3,075. `outputs` also gives the divergence from the prior, summed over latents and
averaged over the batch::

    KL(N(μ, σ²) ‖ N(0, 1)) = -½ · Σ (1 + log σ² - μ² - σ²)

Ten numbers per picture: it reproduces the average colour and the coarsest shape.

Source: D. P. Kingma and M. Welling, "Auto-encoding variational Bayes", ICLR 2014, arXiv:1312.6114.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from crispen.lab.networks.base import Architecture, Network, Output, he_init

WINDOW_PX = 32
SHAPE = (128, 8, 8)


class AutoencoderVariationalTable(Architecture):
    """The variational autoencoder (`crispen.lab.networks.autoencoder_variational`)."""

    kind: Literal["autoencoder-variational"] = "autoencoder-variational"
    latents: int = Field(10, ge=1, le=4096, description="latent values for a 32×32 picture")

    def build(self, scale: int, channels: int) -> AutoencoderVariational:
        """See `Architecture.build`."""
        self.require_scale(scale, 1)
        return AutoencoderVariational(channels, self.latents)

    def describe(self) -> str:
        """See `Architecture.describe`."""
        return f"variational, 4x4 convolutions of stride 2, 64-128 channels, {self.latents} latents"


class AutoencoderVariational(Network):
    """Two strided convolutions, Gaussian latents, and their mirror."""

    def __init__(self, channels: int = 3, latents: int = 10) -> None:
        super().__init__(1, channels)
        self.window_px = WINDOW_PX
        values = SHAPE[0] * SHAPE[1] * SHAPE[2]
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, 64, 4, 2, 1), nn.ReLU(), nn.Conv2d(64, 128, 4, 2, 1), nn.ReLU()
        )
        self.mean = nn.Linear(values, latents)
        self.log_variance = nn.Linear(values, latents)
        self.spread = nn.Linear(latents, values)
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(128, 64, 4, 2, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(64, channels, 4, 2, 1),
        )
        he_init(self, self.decoder[-1])
        with torch.no_grad():
            # Start with σ near 1, so that the first step's exponential stays small.
            self.log_variance.weight.mul_(0.1)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """μ and log σ², each ``(N, latents)``, of ``(N, C, 32, 32)``."""
        features = self.encoder(x).flatten(1)
        # exp(±10) is as good as 0 or ∞ here, and never overflows.
        return self.mean(features).float(), self.log_variance(features).float().clamp(-10.0, 10.0)

    def decode(self, z: Tensor) -> Tensor:
        """The picture decoded from ``(N, latents)``."""
        return self.finish(self.decoder(F.relu(self.spread(z)).reshape(-1, *SHAPE)))

    def outputs(self, x: Tensor, dials: Tensor | None = None) -> Output:
        """The picture of a sampled z (of μ when not training) and the divergence."""
        mean, log_variance = self.encode(x)
        kl = -0.5 * (1.0 + log_variance - mean**2 - log_variance.exp()).sum(dim=1).mean()
        z = mean
        if self.training:
            z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        return Output(self.decode(z), kl)

    def forward(self, x: Tensor) -> Tensor:
        """The picture; deterministic unless training."""
        return self.outputs(x).image if self.training else self.decode(self.encode(x)[0])
