"""The shipped family: a plain stack of 3×3 convolutions, re-parameterised from richer blocks.

::

    x (N, C, H, W) ─ 3×3, width ─ act ─ [3×3, width ─ act] × depth ─ 3×3, C·scale² ─► residual

With ``unshuffle = u`` the picture is folded into C·u² planes of 1/u its size before the first
layer and unfolded after the last, so a deep, wide stack costs 1/u² as much. Folding plus a 3×3
convolution equals one convolution of side 3·u and stride u; it is written that way here.

During training every hidden 3×3 kernel is the sum of a free 3×3 kernel, a 1×1 kernel expanded into
a 3×3 one (1×1 then 3×3, ECBSR [1]_), a 1×1 kernel and the identity. Convolution is linear in its
kernel, so the branches are added as *kernels*, not as feature maps: the richer block costs a few
small matrix products instead of several times the convolution work. The exported kernel is one
3×3 kernel, equal to that sum.

.. [1] X. Zhang et al., "Edge-oriented convolution block for real-time super resolution on mobile
   devices", ACM MM 2021, doi:10.1145/3474085.3475291
"""

from __future__ import annotations

from typing import Literal, Self

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from crispen.lab.networks.activations import make_activation, make_conv, trains_int8
from crispen.lab.networks.base import Architecture, Upscaler
from crispen.lab.networks.clipped import rounded_kernel
from crispen.lab.networks.reach import conv, halo, spread
from crispen.models.dials import INPUTS

PlainActivation = Literal["relu", "leaky-relu", "silu", "gelu", "clipped-relu"]


class PlainTable(Architecture):
    """A plain stack of 3×3 convolutions (`crispen.lab.networks.plain`)."""

    kind: Literal["plain"] = "plain"
    width: int = Field(32, ge=4, le=256, description="channels of each hidden layer")
    depth: int = Field(8, ge=1, le=64, description="hidden layers")
    activation: PlainActivation = Field("relu", description="pointwise non-linearity")
    unshuffle: int = Field(
        1, ge=1, le=4, description="fold u×u pixels into channels: 1/u² of the work"
    )
    dials: bool = Field(
        False, description="add dials as input: how much noise, compression and blur there is"
    )

    def build(self, scale: int, channels: int) -> Plain:
        """See `Architecture.build`."""
        return Plain(
            scale,
            channels,
            self.width,
            self.depth,
            self.activation,
            unshuffle=self.unshuffle,
            dials=self.dials,
        )

    def describe(self) -> str:
        """See `Architecture.describe`."""
        folded = f" at 1/{self.unshuffle} size" if self.unshuffle > 1 else ""
        dials = ", three dials" if self.dials else ""
        return (
            f"{self.depth + 2} 3x3 convolutions, {self.width} channels, {self.activation}{folded}"
            f"{dials}"
        )


class RichConv(nn.Module):
    """A 3×3 convolution whose kernel is a sum of branches during training.

    Shape: ``(N, width, H, W)`` → ``(N, width, H, W)``, zero padding.

    Args:
        width: Channels in and out.
        expand: Channels between the two layers of the longest branch, in widths.
        rounded: Round the sum during training; see `crispen.lab.networks.clipped`.
    """

    def __init__(self, width: int, expand: int = 2, rounded: bool = False) -> None:
        super().__init__()
        self.rounded = rounded
        self.weight = nn.Parameter(torch.empty(width, width, 3, 3))
        self.bias = nn.Parameter(torch.zeros(width))
        self.point = nn.Parameter(torch.empty(width, width))
        self.squeeze = nn.Parameter(torch.empty(expand * width, width))
        self.spread = nn.Parameter(torch.empty(width, expand * width, 3, 3))
        self.register_buffer("identity", torch.eye(width), persistent=False)
        with torch.no_grad():
            # Small relative to the identity, so that a deep stack starts near a plain copy.
            nn.init.kaiming_normal_(self.weight, nonlinearity="relu").mul_(0.3)
            nn.init.kaiming_normal_(self.spread, nonlinearity="relu").mul_(0.3)
            nn.init.kaiming_normal_(self.squeeze, nonlinearity="linear")
            nn.init.kaiming_normal_(self.point, nonlinearity="linear").mul_(0.1)

    identity: Tensor

    def kernel(self) -> Tensor:
        """``(width, width, 3, 3)``: the sum of all branches."""
        expanded = torch.einsum("oekl,ei->oikl", self.spread, self.squeeze)
        centre = F.pad((self.point + self.identity)[:, :, None, None], (1, 1, 1, 1))
        return self.weight + expanded + centre

    def forward(self, x: Tensor) -> Tensor:
        """One convolution with the summed kernel."""
        kernel = self.kernel()
        if self.rounded and self.training:
            kernel = rounded_kernel(kernel)
        return F.conv2d(x, kernel, self.bias, padding=1)

    def merged(self) -> nn.Conv2d:
        """The one convolution that is exported."""
        width = self.weight.shape[0]
        layer = nn.Conv2d(width, width, 3, padding=1)
        with torch.no_grad():
            layer.weight.copy_(self.kernel())
            layer.bias.copy_(self.bias)  # type: ignore[union-attr]
        return layer


class DialBias(nn.Module):
    """The dials as a bias for each layer: ``(N, 6)`` → ``(layers, N, width, 1, 1)``.

    A constant map given to a layer beside its input (FFDNet [2]_) is a bias; as a bias it is also
    constant at the picture's edge. With their own biases, deep layers do not depend on the first
    layer to pass the dials on. All start near zero, so a network that gets dials later starts
    unchanged.

    .. [2] K. Zhang et al., "FFDNet", IEEE TIP 2018, arXiv:1710.04026
    """

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.width = width
        self.layers = nn.Sequential(nn.Linear(INPUTS, width), nn.ReLU(), nn.Linear(width, width))
        self.deeper = nn.Linear(width, width * (layers - 1))
        with torch.no_grad():
            for parameter in self.layers[2].parameters():
                parameter.mul_(0.05)
            for parameter in self.deeper.parameters():
                parameter.zero_()

    def forward(self, dials: Tensor) -> Tensor:
        """In full precision."""
        with torch.autocast(dials.device.type, enabled=False):
            hidden = self.layers[:2](dials.float())
            biases = torch.cat([self.layers[2](hidden), self.deeper(hidden)], dim=1)
        stacked: Tensor = biases.reshape(len(dials), -1, self.width, 1, 1)
        return stacked.transpose(0, 1)


class Plain(Upscaler):
    """A stack of `depth` hidden convolutions of `width` channels.

    Parameters when exported: ``9·C·u²·w + w + depth·(9·w² + w) + (9·w + 1)·C·(u·scale)²``; with
    dials ``(6 + 1)·w + (w + 1)·w·(depth + 1)`` more.
    """

    def __init__(
        self,
        scale: int,
        channels: int = 1,
        width: int = 32,
        depth: int = 8,
        activation: PlainActivation = "relu",
        rich: bool = True,
        unshuffle: int = 1,
        dials: bool = False,
    ) -> None:
        super().__init__(scale, channels)
        self.has_dials = dials
        self.activation: PlainActivation = activation
        self.unshuffle = self.multiple = unshuffle
        layers = [conv(3)] * (depth + 1)
        self.halo = halo(
            conv(3 * unshuffle, unshuffle, unshuffle),
            *layers,
            spread(unshuffle * scale),
            scale=scale,
            multiple=unshuffle,
        )
        self.head = nn.Conv2d(channels, width, 3 * unshuffle, unshuffle, padding=unshuffle)
        self.dial_bias = DialBias(width, depth + 1) if dials else None
        rounded = trains_int8(activation)
        self.body = nn.ModuleList(
            RichConv(width, rounded=rounded) if rich else nn.Conv2d(width, width, 3, padding=1)
            for _ in range(depth)
        )
        self.tail = make_conv(activation, width, channels * (unshuffle * scale) ** 2)
        self.activations = nn.ModuleList(make_activation(activation) for _ in range(depth + 1))
        with torch.no_grad():
            # Pixels are never negative: a first kernel that responds to their mean would fire
            # always or never, permanently, and disable a third of a thin network.
            self.head.weight -= self.head.weight.mean((1, 2, 3), keepdim=True)
            self.head.weight.mul_(2.0)
            self.head.bias.zero_()  # type: ignore[union-attr]
            # Start as plain bicubic: the residual grows from (almost) zero.
            self.tail.weight.mul_(0.1)
            self.tail.bias.zero_()  # type: ignore[union-attr]

    def forward(self, x: Tensor, dials: Tensor | None = None) -> Tensor:
        """See `Upscaler.forward`; `dials` as in `Network.outputs`."""
        residual = self.residual(x) if dials is None else self.residual(x, dials)
        return self.finish(self.compose(x, residual))

    def residual(self, x: Tensor, dials: Tensor | None = None) -> Tensor:
        """See `Upscaler.residual`; `dials` as in `Network.outputs`."""
        biases = None
        if self.dial_bias is not None:
            biases = self.dial_bias(x.new_zeros(len(x), INPUTS) if dials is None else dials)
        layers = zip([self.head, *self.body], self.activations, strict=True)
        for number, (layer, activation) in enumerate(layers):
            x = layer(x)
            if biases is not None:
                x = x + biases[number].to(x.dtype)
            x = activation(x)
        x = self.tail(x)
        return F.pixel_shuffle(x, self.unshuffle) if self.unshuffle > 1 else x

    def merged(self) -> Self:
        """The same function, each rich block replaced by its single convolution."""
        width = self.head.out_channels
        plain = type(self)(
            self.scale,
            self.channels,
            width,
            len(self.body),
            self.activation,
            rich=False,
            unshuffle=self.unshuffle,
            dials=self.has_dials,
        )
        plain.head.load_state_dict(self.head.state_dict())
        if self.dial_bias is not None and plain.dial_bias is not None:
            plain.dial_bias.load_state_dict(self.dial_bias.state_dict())
        plain.tail.load_state_dict(self.tail.state_dict())
        plain.activations.load_state_dict(self.activations.state_dict())
        for target, source in zip(plain.body, self.body, strict=True):
            layer = source.merged() if isinstance(source, RichConv) else source
            target.load_state_dict(layer.state_dict())
        return plain.train(self.training)
