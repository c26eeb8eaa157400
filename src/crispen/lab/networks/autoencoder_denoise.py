"""The denoising study's convolutional autoencoder, with two sizes of bottleneck.

``2x2x8``, 23,659 parameters on RGB, for a CIFAR-10 picture::

    x 32×32×3 ─ 4×4/2, 32 ─ 16² ─ 4×4/2, 16 ─ 8² ─ 4×4/2, 8 ─ 4² ─ max-pool 2 ─► 2×2×8
      ─ nearest ×2 ─ 4² ─ 4×4/2ᵀ, 16 ─ 8² ─ 4×4/2ᵀ, 32 ─ 16² ─ 4×4/2ᵀ, 3 ─► 32×32×3

The encoder has 1,568 + 8,208 + 2,056 parameters and its mirror 2,064 + 8,224 + 1,539. Three 4×4
layers with a, b and 8 channels, and their mirror, have 98·a + 32·a·b + 258·b + 11 parameters:
23,659 for a = 32, b = 16.

``8x8x2``, 12,965 parameters (the study gives no number)::

    x 32×32×3 ─ 4×4/2, 32 ─ 16² ─ max-pool 2 ─ 8² ─ 3×3, 16 ─ 3×3, 2 ─► 8×8×2
      ─ 3×3, 16 ─ 3×3, 32 ─ nearest ×2 ─ 16² ─ 4×4/2ᵀ, 3 ─► 32×32×3

``variant = "study"`` pools after the first convolution, which is cheaper and loses more, and uses
strided 4×4 convolutions throughout for the larger bottleneck: 23,659 and 5,189 parameters::

    2x2x8: x ─ 4×4/2, 32 ─ 16² ─ max-pool 2 ─ 8² ─ 4×4/2, 16 ─ 4² ─ 4×4/2, 8 ─► 2×2×8
             ─ 4×4/2ᵀ, 16 ─ 4² ─ 4×4/2ᵀ, 32 ─ 8² ─ nearest ×2 ─ 16² ─ 4×4/2ᵀ, 3 ─► 32×32×3
    8x8x2: x ─ 4×4/2, 32 ─ 16² ─ 4×4/2, 2 ─► 8×8×2 ─ 4×4/2ᵀ, 32 ─ 16² ─ 4×4/2ᵀ, 3 ─► 32×32×3

ReLU after every layer but the last. All compress the 3,072 values of a 32×32 picture to 128 or 32,
which leaves no picture sharp: the study's point. The network is fully convolutional, so any
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
Variant = Literal["ours", "study"]

# Kernel, stride and channels of each convolution; None is a max-pool of 2×2.
_Layers = tuple[tuple[int, int, int] | None, ...]
_ENCODERS: dict[tuple[Variant, Bottleneck], _Layers] = {
    ("ours", "8x8x2"): ((4, 2, 32), None, (3, 1, 16), (3, 1, 2)),
    ("ours", "2x2x8"): ((4, 2, 32), (4, 2, 16), (4, 2, 8), None),
    ("study", "8x8x2"): ((4, 2, 32), (4, 2, 2)),
    ("study", "2x2x8"): ((4, 2, 32), None, (4, 2, 16), (4, 2, 8)),
}


class AutoencoderDenoiseTable(Architecture):
    """The denoising study's autoencoder (`crispen.lab.networks.autoencoder_denoise`)."""

    kind: Literal["autoencoder-denoise"] = "autoencoder-denoise"
    variant: Variant = Field("ours", description="ours: pools late; study: as in the study")
    bottleneck: Bottleneck = Field("8x8x2", description="size and channels for a 32×32 picture")

    def build(self, scale: int, channels: int) -> AutoencoderDenoise:
        """See `Architecture.build`."""
        self.require_scale(scale, 1)
        return AutoencoderDenoise(channels, self.bottleneck, self.variant)

    def describe(self) -> str:
        """See `Architecture.describe`."""
        as_built = ", as the study built it" if self.variant == "study" else ""
        return f"strided convolutions, mirrored decoder, {self.bottleneck}{as_built}"


def encoder(channels: int, bottleneck: Bottleneck, variant: Variant = "ours") -> nn.Sequential:
    """``(N, C, 32, 32)`` → ``(N, 2, 8, 8)`` or ``(N, 8, 2, 2)``."""
    layers: list[nn.Module] = []
    for layer in _ENCODERS[variant, bottleneck]:
        if layer is None:
            layers.append(nn.MaxPool2d(2))
            continue
        kernel, stride, width = layer
        layers += [nn.Conv2d(channels, width, kernel, stride, padding=1), nn.ReLU()]
        channels = width
    return nn.Sequential(*layers)


def decoder(channels: int, bottleneck: Bottleneck, variant: Variant = "ours") -> nn.Sequential:
    """The mirror of `encoder`; no ReLU at the end."""
    found = _ENCODERS[variant, bottleneck]
    widths = [channels, *(layer[2] for layer in found if layer is not None)]
    layers: list[nn.Module] = []
    for layer in reversed(found):
        if layer is None:
            layers.append(nn.Upsample(scale_factor=2, mode="nearest"))
            continue
        kernel, stride, width = layer
        widths.pop()
        up = nn.Conv2d if stride == 1 else nn.ConvTranspose2d
        layers += [up(width, widths[-1], kernel, stride, padding=1), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _steps(bottleneck: Bottleneck, variant: Variant) -> list[Step]:
    down: list[Step] = []
    up: list[Step] = []
    for layer in _ENCODERS[variant, bottleneck]:
        if layer is None:
            down, up = [*down, pool()], [spread(2), *up]
        else:
            kernel, stride, _ = layer
            down.append(conv(kernel, stride, 1))
            up.insert(0, conv(kernel) if stride == 1 else transposed(kernel, stride, 1))
    return [*down, *up]


class AutoencoderDenoise(Network):
    """Strided convolutions and a max-pool down to a few numbers, and their mirror."""

    def __init__(
        self, channels: int = 3, bottleneck: Bottleneck = "8x8x2", variant: Variant = "ours"
    ) -> None:
        super().__init__(1, channels)
        self.multiple = 16 if bottleneck == "2x2x8" else 4
        self.halo = halo(*_steps(bottleneck, variant), multiple=self.multiple)
        self.encoder = encoder(channels, bottleneck, variant)
        self.decoder = decoder(channels, bottleneck, variant)
        he_init(self, self.decoder[-1])

    def forward(self, x: Tensor) -> Tensor:
        """The output picture."""
        return self.finish(self.decoder(self.encoder(x)))
