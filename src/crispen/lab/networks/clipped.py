"""A ReLU with an upper limit, so that the layer after it can run in int8 (LSQ fake quantisation).

Its output is in [0, range]. During training it rounds to 255 equal steps of that range and passes
gradients straight through (LSQ [1]_): the weights adapt to the rounding, and the range settles
between a ceiling too low and steps too coarse. The kernels of the layers after it are rounded too,
to 127 steps on either side of zero per output channel. Outside training nothing is rounded, so a
network is one function in every number format; an int8 engine (`crispen.engines._eight_bits`)
rounds as the training did.

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
        range: Scalar; learned, or a constant if `frozen`.
        fitted: Whether the range was already trained, so that `fit_ranges` keeps it.
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
        """Same shape and type."""
        if self.training:
            step = self.range / STEPS
            steps = (x.float() / step).clamp(0.0, float(STEPS))
            steps = steps + (steps.round() - steps).detach()
            return (steps * step).to(x.dtype)
        if torch.onnx.is_in_onnx_export():  # a constant becomes one Clip
            return F.hardtanh(x, 0.0, float(self.range.detach()))
        return torch.minimum(F.relu(x), self.range.to(x.dtype))


def rounded_kernel(kernel: Tensor) -> Tensor:
    """``(outputs, inputs, side, side)`` in whole steps; gradients pass straight through."""
    with torch.no_grad():
        step = kernel.abs().amax((1, 2, 3), keepdim=True).clamp_min(1e-9) / KERNEL_STEPS
        rounding = (kernel / step).round() * step - kernel
    return kernel + rounding


class RoundedConv(nn.Conv2d):
    """A convolution whose kernel is rounded during training."""

    def forward(self, x: Tensor) -> Tensor:
        """As `torch.nn.Conv2d`."""
        kernel = rounded_kernel(self.weight) if self.training else self.weight
        return F.conv2d(x, kernel, self.bias, self.stride, self.padding)


def has_new_ranges(network: nn.Module) -> bool:
    """Whether `fit_ranges` has anything to do: ranges still at their initial value."""
    ranges = [layer.range for layer in network.modules() if isinstance(layer, ClippedRelu)]
    return any(float(r.detach()) == 1.0 for r in ranges)


@torch.no_grad()
def fit_ranges(network: nn.Module, x: Tensor) -> None:
    """Sets ranges to the largest activations of `x`, as the start of training.

    Args:
        network: In place.
        x: ``(N, C, H, W)`` in [0, 1], like its later inputs.
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
