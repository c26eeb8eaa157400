"""What every upscaling network here has in common: a residual over a fixed bicubic image.

The network answers with `scale²` planes per channel at LR resolution. They are added to the
bicubic image written the same way (one 5×5 convolution makes all its phases), put in place by
one sub-pixel shuffle, and clipped to [0, 1]. So the layers never carry the picture itself,
and low precision costs them nothing that the eye or PSNR would see.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crispen.media.resample import bicubic_phases


def bicubic_kernel(scale: int, channels: int = 1) -> Tensor:
    """``(channels · scale², channels, 5, 5)``: every phase of Keys' bicubic (a = -0.5).

    Output plane ``c · scale² + i · scale + j`` is sub-pixel ``(i, j)`` of channel ``c``, the order
    `torch.nn.PixelShuffle` expects.
    """
    plane = bicubic_phases(scale)
    kernel = torch.zeros(channels * scale * scale, channels, 5, 5)
    for c in range(channels):
        kernel[c * scale * scale : (c + 1) * scale * scale, c] = torch.from_numpy(plane)
    return kernel


class Upscaler(nn.Module):
    """Base of the upscaling networks: ``(N, C, H, W)`` in [0, 1] → ``(N, C, scale·H, scale·W)``.

    A child implements `residual`; everything else stands here once.

    Attributes:
        scale: How many times larger each side becomes.
        channels: 1 for luma, 3 for RGB.
        halo: Input pixels around a pixel on which its output depends.
    """

    halo: int
    base_weight: Tensor

    def __init__(self, scale: int, channels: int = 1) -> None:
        super().__init__()
        self.scale = scale
        self.channels = channels
        self.register_buffer("base_weight", bicubic_kernel(scale, channels), persistent=False)

    def residual(self, x: Tensor) -> Tensor:
        """``(N, C·scale², H, W)``: what the network adds to the bicubic phases."""
        raise NotImplementedError

    def compose(self, x: Tensor, residual: Tensor) -> Tensor:
        """Bicubic phases plus residual, shuffled into place; full precision, not clipped."""
        with torch.autocast(x.device.type, enabled=False):
            # Full precision on purpose: these few operations carry the picture itself.
            padded = F.pad(x.float(), (2, 2, 2, 2), mode="replicate")
            base = F.conv2d(padded, self.base_weight)
            return F.pixel_shuffle(base + residual.float(), self.scale)

    def forward(self, x: Tensor) -> Tensor:
        """The enlarged image, clipped to [0, 1] unless training."""
        out = self.compose(x, self.residual(x))
        return out if self.training else out.clamp(0.0, 1.0)


def parameter_count(network: nn.Module) -> int:
    """Parameters that stand in the exported file."""
    return sum(p.numel() for p in network.parameters())
