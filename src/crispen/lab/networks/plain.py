"""The shipped family: a plain stack of 3×3 convolutions, re-parameterised from richer blocks.

::

    x (N, C, H, W) ─ 3×3, width ─ act ─ [3×3, width ─ act] × depth ─ 3×3, C·scale² ─► residual

While training, every hidden 3×3 kernel is the sum of a free 3×3 kernel, a 1×1 kernel expanded
into a 3×3 one (1×1 then 3×3, ECBSR [1]_), a 1×1 kernel and the identity. Convolution is linear in
its kernel, so the branches are added as *kernels*, not as feature maps: the richer block costs a
handful of small matrix products instead of several times the convolution work, and what is
exported is one 3×3 kernel, equal to that sum.

.. [1] X. Zhang et al., "Edge-oriented convolution block for real-time super resolution on mobile
   devices", ACM MM 2021, doi:10.1145/3474085.3475291
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crispen.lab.networks.base import Upscaler

Activation = Literal["relu", "leaky-relu", "silu", "gelu"]


def activate(x: Tensor, activation: Activation) -> Tensor:
    """The point-wise non-linearity by name."""
    match activation:
        case "relu":
            return F.relu(x)
        case "leaky-relu":
            if torch.onnx.is_in_onnx_export():
                return F.leaky_relu(x, 0.1)
            # The same function; torch.compile makes it 1.5 times as fast on CPUs.
            return torch.maximum(x, 0.1 * x)
        case "silu":
            return F.silu(x)
        case "gelu":
            return F.gelu(x)


class RichConv(nn.Module):
    """A 3×3 convolution whose kernel is a sum of branches while it trains.

    Shape: ``(N, width, H, W)`` → ``(N, width, H, W)``, zero padding.
    """

    def __init__(self, width: int, expand: int = 2) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width, width, 3, 3))
        self.bias = nn.Parameter(torch.zeros(width))
        self.point = nn.Parameter(torch.empty(width, width))
        self.squeeze = nn.Parameter(torch.empty(expand * width, width))
        self.spread = nn.Parameter(torch.empty(width, expand * width, 3, 3))
        self.register_buffer("identity", torch.eye(width), persistent=False)
        with torch.no_grad():
            # Small beside the identity, so that a deep stack starts near a plain copy.
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
        return F.conv2d(x, self.kernel(), self.bias, padding=1)

    def merged(self) -> nn.Conv2d:
        """The one convolution that is exported."""
        width = self.weight.shape[0]
        conv = nn.Conv2d(width, width, 3, padding=1)
        with torch.no_grad():
            conv.weight.copy_(self.kernel())
            conv.bias.copy_(self.bias)  # type: ignore[union-attr]
        return conv


class Plain(Upscaler):
    """A stack of `depth` hidden convolutions of `width` channels.

    Parameters when exported: ``9·C·w + w + depth·(9·w² + w) + (9·w + 1)·C·scale²``.
    """

    def __init__(
        self,
        scale: int,
        channels: int = 1,
        width: int = 32,
        depth: int = 8,
        activation: Activation = "relu",
        rich: bool = True,
    ) -> None:
        super().__init__(scale, channels)
        self.activation: Activation = activation
        self.halo = depth + 2
        self.head = nn.Conv2d(channels, width, 3, padding=1)
        self.body = nn.ModuleList(
            RichConv(width) if rich else nn.Conv2d(width, width, 3, padding=1) for _ in range(depth)
        )
        self.tail = nn.Conv2d(width, channels * scale * scale, 3, padding=1)
        with torch.no_grad():
            # Start as plain bicubic: the residual grows from (almost) nothing.
            self.tail.weight.mul_(0.1)
            self.tail.bias.zero_()  # type: ignore[union-attr]

    def residual(self, x: Tensor) -> Tensor:
        """See `Upscaler.residual`."""
        x = activate(self.head(x), self.activation)
        for conv in self.body:
            x = activate(conv(x), self.activation)
        return self.tail(x)  # type: ignore[no-any-return]

    def merged(self) -> Plain:
        """The same function with every rich block replaced by its one convolution."""
        width = self.head.out_channels
        plain = Plain(self.scale, self.channels, width, len(self.body), self.activation, rich=False)
        plain.head.load_state_dict(self.head.state_dict())
        plain.tail.load_state_dict(self.tail.state_dict())
        for target, source in zip(plain.body, self.body, strict=True):
            conv = source.merged() if isinstance(source, RichConv) else source
            target.load_state_dict(conv.state_dict())
        return plain.train(self.training)
