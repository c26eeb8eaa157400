"""What every network has in common, and what most upscaling networks share.

`Network` is the contract with training, tiling and export. An `Upscaler` outputs ``scale²`` planes
per channel at LR resolution. They are added to the bicubic image in the same layout (one 5×5
convolution computes all its phases), rearranged by one sub-pixel shuffle, and clipped to [0, 1].
So the layers never carry the picture itself, and low precision costs nothing that the eye or PSNR
would notice. At scale 1 the "bicubic image" is the input itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crispen.errors import UsageError
from crispen.lab.networks.clipped import clips
from crispen.lab.table import Table, build_checked, first_sentence, table_of
from crispen.media.resample import bicubic_phases


@dataclass
class Output:
    """What a network passes to its loss.

    Attributes:
        image: ``(N, C, scale·H, scale·W)``, not clipped while training.
        kl: Scalar Kullback–Leibler divergence of a variational network's latents.
    """

    image: Tensor
    kl: Tensor | None = None


class Network(nn.Module):
    """``(N, C, H, W)`` in [0, 1] → ``(N, C, scale·H, scale·W)``, clipped unless training.

    Args:
        scale: How many times larger each side becomes.
        channels: 1 for luma, 3 for colour.

    Attributes:
        halo: Input pixels around a pixel on which its output depends; None if there is no
            such limit.
        multiple: Input sides and tile origins must be multiples of this.
        window_px: The only input side that the network accepts, if there is just one.
        base: ``bicubic`` if it adds its output to a bicubic picture; see `Upscaler`.
        has_dials: Whether it takes dials that say how degraded its input is; see
            `crispen.models.dials`.
        has_vivid: Whether it takes, after the dials, a scalar: how vivid its output should be.
        has_curve: Whether its output is one tone curve per channel for the whole picture; see
            `crispen.models.curve`.
    """

    halo: int | None = None
    multiple: int = 1
    window_px: int | None = None
    base: Literal["bicubic", "none"] = "none"
    has_dials: bool = False
    has_vivid: bool = False
    has_curve: bool = False

    def __init__(self, scale: int = 1, channels: int = 3) -> None:
        super().__init__()
        self.scale = scale
        self.channels = channels

    def outputs(self, x: Tensor, dials: Tensor | None = None) -> Output:
        """The picture and whatever else the loss needs; call this while training.

        Args:
            x: ``(N, C, H, W)`` in [0, 1].
            dials: ``(N, 6)``, see `crispen.models.dials`; only for a network that has them, and
                None if nothing is known.
        """
        return Output(self(x, dials) if self.has_dials else self(x))

    def merged(self) -> Network:
        """The network to export; itself unless it trains in a richer form."""
        return self

    def finish(self, image: Tensor) -> Tensor:
        """Full precision, clipped to [0, 1] unless training."""
        image = image.float()
        return image if self.training else image.clamp(0.0, 1.0)

    def check_side(self, side: int, key: str = "data.patch") -> None:
        """Refuses an input side that the network cannot accept.

        Raises:
            UsageError: It is not the window, or not a multiple of `multiple`.
        """
        if self.window_px is not None and side != self.window_px:
            raise UsageError(
                f"{key}: this network takes {self.window_px} px only, not {side}; "
                f"set {key} = {self.window_px}"
            )
        if side % self.multiple:
            nearest = max(1, side // self.multiple) * self.multiple
            raise UsageError(
                f"{key}: this network needs a multiple of {self.multiple} px, not {side}; "
                f"set {key} = {nearest}"
            )


class Architecture(Table):
    """The ``[network]`` table of a recipe: its kind and the network's own arguments."""

    kind: str

    def build(self, scale: int, channels: int) -> Network:
        """The untrained network.

        Raises:
            UsageError: The arguments do not fit this scale or channel count.
        """
        raise NotImplementedError

    def describe(self) -> str:
        """One line for the model's card."""
        raise NotImplementedError

    def require_scale(self, scale: int, *allowed: int) -> None:
        """Refuses a scale that the network cannot be built for.

        Raises:
            UsageError: `scale` is not in `allowed`.
        """
        if scale not in allowed:
            names = " or ".join(str(a) for a in allowed)
            raise UsageError(f"network {self.kind}: scale must be {names}, not {scale}")


class _Plugged(Architecture):
    """The table of a plug-in's network, built from its own arguments."""

    network: ClassVar[type[Network]]

    def build(self, scale: int, channels: int) -> Network:
        """See `Architecture.build`."""
        arguments = {
            name: getattr(self, name) for name in type(self).model_fields if name != "kind"
        }
        made = build_checked(lambda: self.network(scale, channels, **arguments), self.kind)
        if (made.scale, made.channels) != (scale, channels):
            raise UsageError(
                f"network {self.kind}: was built for scale {made.scale} and {made.channels} "
                f"channels, not {scale} and {channels}; call super().__init__(scale, channels)"
            )
        return made  # type: ignore[no-any-return]

    def describe(self) -> str:
        """See `Architecture.describe`."""
        arguments = {
            name: getattr(self, name) for name in type(self).model_fields if name != "kind"
        }
        words = [first_sentence(self.network), *(f"{k} {v}" for k, v in arguments.items())]
        return ", ".join(words)


def architecture_of(found: Any) -> type[Architecture] | None:
    """The table of a `Network` class: ``scale, channels``, then a recipe's keys."""
    if not issubclass(found, Network):
        return None
    table = table_of(found, _Plugged, given=("scale", "channels"))
    table.network = found
    return table


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


def bicubic_planes(x: Tensor, kernel: Tensor) -> Tensor:
    """``(N, C, H, W)`` → ``(N, C·scale², H, W)``: bicubic before its sub-pixel shuffle."""
    return F.conv2d(F.pad(x, (2, 2, 2, 2), mode="replicate"), kernel)


class Upscaler(Network):
    """Base of the networks that add the missing detail to the bicubic picture.

    A child implements `residual`; everything else is here, once.
    """

    base: Literal["bicubic", "none"] = "bicubic"
    base_weight: Tensor

    def __init__(self, scale: int, channels: int = 1) -> None:
        super().__init__(scale, channels)
        self.register_buffer("base_weight", bicubic_kernel(scale, channels), persistent=False)

    def residual(self, x: Tensor) -> Tensor:
        """``(N, C·scale², H, W)``: what the network adds to the bicubic phases."""
        raise NotImplementedError

    def compose(self, x: Tensor, residual: Tensor) -> Tensor:
        """Bicubic phases plus residual after the shuffle; full precision, not clipped."""
        with torch.autocast(x.device.type, enabled=False):
            # Full precision: these few operations carry the picture itself.
            if self.scale == 1:
                return x.float() + residual.float()
            base = bicubic_planes(x.float(), self.base_weight)
            return F.pixel_shuffle(base + residual.float(), self.scale)

    def forward(self, x: Tensor) -> Tensor:
        """The output picture, clipped to [0, 1] unless training."""
        return self.finish(self.compose(x, self.residual(x)))


def he_init(network: nn.Module, tail: nn.Module | None = None) -> None:
    """Sets He normal weights for layers before a ReLU, and zero bias [He et al., arXiv:1502.01852].

    Args:
        network: Its convolutions and dense layers are set.
        tail: Its last layer, made small, so that a network that outputs the picture itself starts
            from black and not from noise far out of range.
    """
    for layer in network.modules():
        if not isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            continue
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        if isinstance(layer, nn.ConvTranspose2d):
            # An output uses only every stride-th tap, of all inputs; PyTorch's fan differs.
            taps = layer.in_channels * math.prod(layer.kernel_size) / math.prod(layer.stride)
            nn.init.normal_(layer.weight, std=math.sqrt(2.0 / taps))
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    if tail is not None:
        with torch.no_grad():
            next(tail.parameters()).mul_(0.1)


def parameter_count(network: nn.Module) -> int:
    """Number of parameters in the exported file; ranges of `clipped` layers are constants there."""
    ranges = len(clips(network))
    return sum(p.numel() for p in network.parameters()) - ranges
