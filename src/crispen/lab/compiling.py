"""``torch.compile``, used only after its gradients were compared with those of eager PyTorch.

With torch 2.13 on CPUs, one of our networks got correct gradients for small crops and zero
gradients for large ones, and learned nothing. So the gradients of one pass are compared at the
training size.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from crispen.errors import UsageError
from crispen.lab.networks import Network, Upscaler

# Relative tolerance; bf16 rounds differently when operations are fused.
_TOLERANCE = 0.1


def compile_layers(network: Network, *batches: Tensor, bf16: bool) -> None:
    """Compiles a network's layers with ``torch.compile``, in place.

    In an `Upscaler` only the residual is compiled: the base stays in full precision.

    Args:
        network: In training mode, on its device.
        batches: A batch of each training size.
        bf16: Whether its layers run in bf16.

    Raises:
        UsageError: The compiled network's gradients differ from the network's.
    """
    core = "residual" if isinstance(network, Upscaler) else "forward"
    # Without dropout and batch statistics both passes are the same function, without side effects.
    probe = copy.deepcopy(network)
    for layer in probe.modules():
        if isinstance(layer, nn.modules.dropout._DropoutNd | nn.modules.batchnorm._BatchNorm):
            layer.eval()
    fast = torch.compile(getattr(probe, core))
    for x in batches:
        plain = _gradients(probe, getattr(probe, core), x, bf16)
        compiled = _gradients(probe, fast, x, bf16)
        difference = float((compiled - plain).norm())
        if not difference <= _TOLERANCE * float(plain.norm()):
            raise UsageError(
                "--compile: torch.compile computes wrong gradients for this network (a bug of "
                f"torch {torch.__version__}); train it without --compile"
            )
    setattr(network, core, torch.compile(getattr(network, core)))


def _gradients(
    network: nn.Module, core: Callable[[Tensor], Tensor], x: Tensor, bf16: bool
) -> Tensor:
    network.zero_grad()
    seed = torch.Generator(x.device).manual_seed(0)
    torch.manual_seed(0)
    with torch.autocast(x.device.type, torch.bfloat16, enabled=bf16):
        out = core(x).float()
    # A weight per pixel: a plain sum would hide swapped pixels.
    (out * torch.rand(out.shape, generator=seed, device=x.device)).sum().backward()  # type: ignore[no-untyped-call]
    found = [torch.zeros_like(p) if p.grad is None else p.grad for p in network.parameters()]
    return torch.cat([g.flatten() for g in found])
