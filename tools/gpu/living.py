"""Revives dead units; computes ceilings in one kernel.

A ReLU that is off for every input gets no gradient and stays off: at the learning rates that a few
minutes require, half of a wide network dies within the first minute.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from crispen.lab.networks.clipped import ClippedRelu
from crispen.lab.networks.plain import Plain, RichConv


@torch.no_grad()
def revive(network: Plain, x: Tensor, told: Tensor | None) -> float:
    """Gives dead units new weights without changing what the network computes.

    Incoming weights are redrawn, as in an untrained network; outgoing ones start at zero, so the
    unit affects others only once it has learned something (dormant neurons, G. Sokar et al., ICML
    2023, arXiv:2302.12902).

    Args:
        network: In place.
        x: ``(N, C, H, W)``, like its training inputs.
        told: The dials of `x`.

    Returns:
        The share of dead units.
    """
    dead = _dead(network, x, told)
    layers: list[nn.Module] = [network.head, *network.body, network.tail]
    width = network.head.out_channels
    fresh = Plain(
        network.scale, network.channels, width, len(network.body), unshuffle=network.unshuffle
    ).to(x.device)
    drawn: list[nn.Module] = [fresh.head, *fresh.body]
    for number, off in enumerate(dead):
        _set(layers[number + 1], torch.zeros_like(_kernel(layers[number + 1])), (slice(None), off))
    for number, off in enumerate(dead):
        _set(layers[number], _kernel(drawn[number]), (off,))
        layers[number].bias[off] = 0  # type: ignore[index, operator]
        if network.dial_bias is not None:
            last = network.dial_bias.layers[2] if number == 0 else network.dial_bias.deeper
            rows = off.nonzero()[:, 0] + max(0, number - 1) * width
            last.weight[rows] = 0  # type: ignore[operator]
            last.bias[rows] = 0  # type: ignore[operator]
    return float(torch.stack(dead).float().mean())


def _dead(network: Plain, x: Tensor, told: Tensor | None) -> list[Tensor]:
    found: list[Tensor] = []

    def see(_layer: nn.Module, _inputs: object, out: Tensor) -> None:
        # Off nearly everywhere is as good as off.
        found.append((out > 0).float().mean((0, 2, 3)) < 1e-4)

    hooks = [a.register_forward_hook(see) for a in network.activations]
    network.residual(x, told)
    for hook in hooks:
        hook.remove()
    return found


def _kernel(layer: nn.Module) -> Tensor:
    return layer.kernel() if isinstance(layer, RichConv) else layer.weight  # type: ignore[return-value]


def _set(layer: nn.Module, kernel: Tensor, where: tuple[object, ...]) -> None:
    """Copies part of a kernel from another layer."""
    change = (kernel - _kernel(layer))[where]
    layer.weight[where] += change  # type: ignore[index, operator]


def compile_ceilings() -> None:
    """One kernel per direction instead of ten."""
    fused = torch.compile(_ceiling, dynamic=False)
    plain = ClippedRelu.forward
    try:
        x = torch.rand(2, 8, 16, 16, device="cuda", dtype=torch.bfloat16, requires_grad=True)
        fused(x, torch.ones((), device="cuda", requires_grad=True)).sum().backward()
    except Exception as error:
        print(f"not compiled: {type(error).__name__}: {error}", flush=True)
        return

    def forward(self: ClippedRelu, x: Tensor) -> Tensor:
        if not self.training or not x.is_cuda or not x.requires_grad:
            return plain(self, x)
        made: Tensor = fused(x, self.range)
        return made

    ClippedRelu.forward = forward  # type: ignore[method-assign]


def _ceiling(x: Tensor, ceiling: Tensor) -> Tensor:
    step = ceiling / ClippedRelu.steps
    steps = (x.float() / step).clamp(0.0, float(ClippedRelu.steps))
    steps = steps + (steps.round() - steps).detach()
    return (steps * step).to(x.dtype)
