"""A ReLU with an upper limit, so that the layer after it can run in int8 (LSQ fake quantisation).

Its output is in [0, range]. While it trains, it rounds to 255 equal steps of that range and
lets gradients pass as if it had not (LSQ [1]_): the weights learn to live with the rounding, and
the range finds the balance between a ceiling too low and steps too coarse. The kernels of the
layers after it are rounded likewise, to 127 steps to either side of zero for each output channel.
Otherwise nothing is rounded, so a network is one function in every number format; an engine that
computes in 8 bits (`crispen.engines._eight_bits`) rounds as the training did.

.. [1] S. K. Esser et al., "Learned step size quantization", ICLR 2020, arXiv:1902.08153
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STEPS = 255
KERNEL_STEPS = 127


class ClippedRelu(nn.Module):
    """``min(max(x, 0), range)``, elementwise.

    Attributes:
        range: Scalar; learned, but a constant of a `frozen` one.
        fitted: Whether the range comes from a training already, so that `fit_ranges` leaves it.
    """

    range: Tensor
    fitted = False

    def __init__(self, frozen: bool = False) -> None:
        super().__init__()
        if frozen:
            self.register_buffer("range", torch.ones(()))
        else:
            self.range = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        """The same shape and type."""
        if self.training:
            step = self.range / STEPS
            steps = (x.float() / step).clamp(0.0, float(STEPS))
            steps = steps + (steps.round() - steps).detach()
            return (steps * step).to(x.dtype)
        if torch.onnx.is_in_onnx_export():  # a constant becomes one Clip
            return F.hardtanh(x, 0.0, float(self.range.detach()))
        return torch.minimum(F.relu(x), self.range.to(x.dtype))


def rounded_kernel(kernel: Tensor) -> Tensor:
    """``(outputs, inputs, side, side)`` in whole steps; gradients pass as if it were not."""
    with torch.no_grad():
        step = kernel.abs().amax((1, 2, 3), keepdim=True).clamp_min(1e-9) / KERNEL_STEPS
        rounding = (kernel / step).round() * step - kernel
    return kernel + rounding


class RoundedConv(nn.Conv2d):
    """A convolution whose kernel is rounded while it trains."""

    def forward(self, x: Tensor) -> Tensor:
        """As `torch.nn.Conv2d`."""
        kernel = rounded_kernel(self.weight) if self.training else self.weight
        return F.conv2d(x, kernel, self.bias, self.stride, self.padding)


def has_new_ranges(network: nn.Module) -> bool:
    """Whether there is anything for `fit_ranges` to do: ranges as they were made."""
    ranges = [layer.range for layer in network.modules() if isinstance(layer, ClippedRelu)]
    return any(float(r.detach()) == 1.0 for r in ranges)


@torch.no_grad()
def fit_ranges(network: nn.Module, x: Tensor) -> None:
    """Sets ranges to the largest values that come by, to train on from there.

    Args:
        network: In place.
        x: ``(N, C, H, W)`` in [0, 1], such as it will be given.
    """

    def see(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, ClippedRelu)
        layer.range.copy_(inputs[0].amax().clamp_min(1e-3))

    layers = [layer for layer in network.modules() if isinstance(layer, ClippedRelu)]
    layers = [layer for layer in layers if not layer.fitted]
    hooks = [layer.register_forward_pre_hook(see) for layer in layers]
    try:
        network(x)
    finally:
        for hook in hooks:
            hook.remove()
