"""Limited values and rounded kernels, so that a layer can run in int8 (LSQ fake quantisation).

A `ClippedRelu` gives values in [0, range], a `SignedClip` in [-128/127 · range, range]. During
training they round to equal steps, 255 or 127 from zero to the range, so that they fit in 8 bits,
and pass gradients straight through (LSQ [1]_): the weights adapt to the rounding, and the range
settles between a ceiling too low and steps too coarse. The kernels of the layers after them are
rounded too, to 127 steps on either side of zero per output channel. Outside training nothing is
rounded, so a network is one function in every number format; an int8 engine
(`crispen.engines._eight_bits`) rounds as the training did. `crispen.lab.networks.activations`
decides which layers these are.

.. [1] S. K. Esser et al., "Learned step size quantization", ICLR 2020, arXiv:1902.08153
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

KERNEL_STEPS = 127


class Clip(nn.Module):
    """``min(max(x, lowest · range), range)``, elementwise.

    Attributes:
        lowest: The lower limit in ranges, at most 0.
        steps: Number of steps from zero to the range during training.
        range: Scalar; learned.
        fitted: Whether the range was already trained, so that `fit_ranges` keeps it.
    """

    lowest: ClassVar[float]
    steps: ClassVar[int]
    fitted = False

    def __init__(self) -> None:
        super().__init__()
        self.range = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        """Same shape and type."""
        if self.training:
            step = self.range / self.steps
            steps = (x.float() / step).clamp(self.lowest * self.steps, float(self.steps))
            steps = steps + (steps.round() - steps).detach()
            return (steps * step).to(x.dtype)
        if torch.onnx.is_in_onnx_export():  # constants become one Clip
            limit = float(self.range.detach())
            return F.hardtanh(x, self.lowest * limit, limit)
        ceiling = self.range.to(x.dtype)
        return torch.minimum(torch.maximum(x, self.lowest * ceiling), ceiling)


class ClippedRelu(Clip):
    """A ReLU with an upper limit."""

    lowest = 0.0
    steps = 255


class SignedClip(Clip):
    """Limits values of both signs, such as a sum of features, to the steps from -128 to 127."""

    lowest = -128 / 127
    steps = 127


def rounded_kernel(kernel: Tensor) -> Tensor:
    """``(outputs, inputs, side, side)`` in whole steps; gradients pass straight through."""
    with torch.no_grad():
        step = kernel.abs().amax((1, 2, 3), keepdim=True).clamp_min(1e-9) / KERNEL_STEPS
        rounding = (kernel / step).round() * step - kernel
    return kernel + rounding


class RoundedConv(nn.Conv2d):
    """A convolution whose kernel is rounded during training; its input must be limited."""

    def forward(self, x: Tensor) -> Tensor:
        """As `torch.nn.Conv2d`."""
        kernel = rounded_kernel(self.weight) if self.training else self.weight
        return F.conv2d(x, kernel, self.bias, self.stride, self.padding)


class LimitedConv(RoundedConv):
    """The same for an input that nothing limits yet: limits it first, on either side of zero."""

    def __init__(self, inputs: int, outputs: int, side: int, padding: int) -> None:
        super().__init__(inputs, outputs, side, padding=padding)
        self.limit = SignedClip()

    def forward(self, x: Tensor) -> Tensor:
        """As `torch.nn.Conv2d`."""
        return super().forward(self.limit(x))


class RoundedTransposed(nn.ConvTranspose2d):
    """A transposed convolution whose kernel is rounded during training."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """As `torch.nn.ConvTranspose2d` without an output size."""
        assert output_size is None
        assert isinstance(self.padding, tuple)
        kernel = self.weight  # (inputs, outputs, side, side)
        if self.training:
            kernel = rounded_kernel(kernel.transpose(0, 1)).transpose(0, 1)
        return F.conv_transpose2d(
            x, kernel, self.bias, self.stride, self.padding, self.output_padding
        )


def clips(network: nn.Module) -> list[Clip]:
    """The layers of a network that limit values; none unless it is trained for int8."""
    return [layer for layer in network.modules() if isinstance(layer, Clip)]


def has_new_ranges(network: nn.Module) -> bool:
    """Whether `fit_ranges` has anything to do: ranges still at their initial value."""
    return any(float(layer.range.detach()) == 1.0 for layer in clips(network))


@torch.no_grad()
def fit_ranges(network: nn.Module, x: Tensor) -> None:
    """Sets ranges to the largest values that `x` causes, as the start of training.

    Args:
        network: In place.
        x: ``(N, C, H, W)`` in [0, 1], like its later inputs.
    """
    largest: dict[Clip, Tensor] = {}

    def see(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, Clip)
        seen = (inputs[0].abs() if layer.lowest < 0 else inputs[0]).amax().clamp_min(1e-3)
        # A layer can be used twice.
        largest[layer] = torch.maximum(seen, largest.get(layer, seen))
        layer.range.copy_(largest[layer])

    hooks = [layer.register_forward_pre_hook(see) for layer in clips(network) if not layer.fitted]
    try:
        network(x)
    finally:
        for hook in hooks:
            hook.remove()
