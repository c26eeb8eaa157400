"""Optimisers: Adam, and Muon for convolution kernels.

Muon [1]_ replaces the momentum of a matrix by the nearest (semi-)orthogonal matrix, found with a few
Newton-Schulz steps. Every direction of a kernel then learns at the same pace, which
small networks on a short budget profit from. Kernels are seen as ``(out, in · 3 · 3)`` matrices; biases,
the first and the last layer stay with Adam, as its author advises.

.. [1] K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024,
   https://kellerjordan.github.io/posts/muon
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from crispen.lab.recipe import Train


def orthogonalize(matrix: Tensor, steps: int = 5) -> Tensor:
    """Roughly ``U Vᵀ`` of the singular value decomposition ``U S Vᵀ``, same shape.

    Singular values land within about 0.7 … 1.2, which is as good as 1 for an update.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix if matrix.shape[-2] <= matrix.shape[-1] else matrix.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x if matrix.shape[-2] <= matrix.shape[-1] else x.mT


class Muon(torch.optim.Optimizer):
    """Orthogonalised Nesterov momentum for tensors of two or more dimensions.

    Args:
        params: Tensors ``(out, in, …)``.
        lr: Root mean square of a step, relative to ``sqrt(max(1, out / in))``.
        momentum: Decay of the momentum.
    """

    def __init__(self, params: Iterable[Tensor], lr: float, momentum: float = 0.95) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        for group in self.param_groups:
            # Equal shapes go through Newton-Schulz together: fewer, larger matrix products.
            shapes: dict[tuple[int, ...], list[Tensor]] = {}
            for p in group["params"]:
                if p.grad is not None:
                    shapes.setdefault(tuple(p.shape), []).append(p)
            for params in shapes.values():
                updates = []
                for p in params:
                    momentum = self.state[p].setdefault("momentum", torch.zeros_like(p))
                    momentum.lerp_(p.grad, 1 - group["momentum"])
                    updates.append(torch.lerp(p.grad, momentum, group["momentum"]).flatten(1))
                stacked = orthogonalize(torch.stack(updates))
                size = max(1.0, stacked.shape[-2] / stacked.shape[-1]) ** 0.5
                for p, update in zip(params, stacked, strict=True):
                    p.add_(update.view_as(p), alpha=-group["lr"] * size)


def build_optimizers(network: nn.Module, train: Train) -> list[torch.optim.Optimizer]:
    """One Adam, or a Muon for the hidden kernels and an Adam for the rest."""
    named = list(network.named_parameters())
    hidden = [
        p for n, p in named if train.optimizer == "muon" and p.ndim >= 2 and n.startswith("body")
    ]
    taken = {id(p) for p in hidden}
    rest = [p for _, p in named if id(p) not in taken]
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.Adam(rest, lr=train.learning_rate, betas=(0.9, 0.99), fused=True)
    ]
    if hidden:
        optimizers.append(Muon(hidden, lr=train.muon_learning_rate))
    return optimizers
