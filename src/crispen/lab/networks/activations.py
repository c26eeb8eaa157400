"""Point-wise non-linearities by name, and the layers that go with them.

``clipped-relu`` makes a network train for int8: its activations have an upper limit, every
convolution after them gets a rounded kernel, and where a convolution reads something else (a sum, a
concatenation) a limit is put before it. All of that is here, so that a network only says what its
layers read. The first convolution, which reads the picture, is an ordinary one.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crispen.lab.networks.clipped import (
    ClippedRelu,
    LimitedConv,
    RoundedConv,
    RoundedTransposed,
)

Activation = Literal["relu", "leaky-relu", "silu", "gelu", "prelu", "clipped-relu"]
# What networks offer that their papers give a ReLU, or a PReLU.
ReluOrClipped = Literal["relu", "clipped-relu"]
PreluOrClipped = Literal["prelu", "clipped-relu"]
# What a convolution reads: the picture; an activation's output, pooled, upsampled to the nearest or
# dropped in part; or any other features (a sum, a concatenation, a shuffled convolution).
Reads = Literal["picture", "activation", "features"]
DESCRIPTION = "pointwise non-linearity; clipped-relu trains for int8"


class LeakyRelu(nn.Module):
    """``max(x, 0.1 x)``."""

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        if torch.onnx.is_in_onnx_export():
            return F.leaky_relu(x, 0.1)
        # The same function; torch.compile makes it 1.5 times as fast on CPUs.
        return torch.maximum(x, 0.1 * x)


def make_activation(activation: Activation, slopes: int = 1) -> nn.Module:
    """The point-wise non-linearity by name.

    Args:
        activation: Its name.
        slopes: Number of slopes that a PReLU learns: one, or one per channel.
    """
    match activation:
        case "relu":
            return nn.ReLU()
        case "leaky-relu":
            return LeakyRelu()
        case "silu":
            return nn.SiLU()
        case "gelu":
            return nn.GELU()
        case "prelu":
            return nn.PReLU(slopes)
        case "clipped-relu":
            return ClippedRelu()


def trains_int8(activation: Activation) -> bool:
    """Whether networks with this activation are trained for int8."""
    return activation == "clipped-relu"


def make_conv(
    activation: Activation,
    inputs: int,
    outputs: int,
    side: int = 3,
    *,
    reads: Reads = "activation",
) -> nn.Conv2d:
    """A convolution that keeps the size, rounded and limited if the network trains for int8.

    Args:
        activation: The network's.
        inputs: Channels.
        outputs: Channels.
        side: Of the kernel, odd.
        reads: What it reads; see `Reads`.
    """
    if reads == "picture" or not trains_int8(activation):
        return nn.Conv2d(inputs, outputs, side, padding=side // 2)
    kind = LimitedConv if reads == "features" else RoundedConv
    return kind(inputs, outputs, side, padding=side // 2)


def make_transposed(
    activation: Activation,
    inputs: int,
    outputs: int,
    side: int,
    stride: int,
    *,
    padding: int = 0,
    output_padding: int = 0,
) -> nn.ConvTranspose2d:
    """A transposed convolution that reads an activation's output; arguments as in PyTorch."""
    kind = RoundedTransposed if trains_int8(activation) else nn.ConvTranspose2d
    return kind(inputs, outputs, side, stride, padding=padding, output_padding=output_padding)


def conv_pair(
    activation: Activation, inputs: int, outputs: int, reads: Reads = "activation"
) -> nn.Sequential:
    """Twice a 3×3 convolution and the non-linearity; arguments as of `make_conv`."""
    return nn.Sequential(
        make_conv(activation, inputs, outputs, reads=reads),
        make_activation(activation),
        make_conv(activation, outputs, outputs),
        make_activation(activation),
    )
