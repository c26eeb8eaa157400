"""Adversarial losses: what the generator and the discriminator minimise against each other.

With the discriminator's logits ``r`` for real and ``f`` for generated pictures, σ the sigmoid, and
means over the batch:

- ``vanilla`` [1]_: D: -mean(log σ(r)) - mean(log(1 - σ(f))); G: -mean(log σ(f)), the
  non-saturating form.
- ``lsgan`` [2]_: D: ½·mean((r - 1)²) + ½·mean(f²); G: ½·mean((f - 1)²).
- ``hinge`` [3]_: D: mean(max(0, 1 - r)) + mean(max(0, 1 + f)); G: -mean(f).
- ``relativistic`` [4]_ (average, as in ESRGAN): with r' = r - mean(f) and f' = f - mean(r),
  D: -mean(log σ(r')) - mean(log(1 - σ(f'))); G: -mean(log(1 - σ(r'))) - mean(log σ(f')).

.. [1] I. Goodfellow et al., "Generative adversarial nets", 2014, arXiv:1406.2661
.. [2] X. Mao et al., "Least squares generative adversarial networks", 2017, arXiv:1611.04076
.. [3] J. H. Lim and J. C. Ye, "Geometric GAN", 2017, arXiv:1705.02894
.. [4] A. Jolicoeur-Martineau, "The relativistic discriminator: a key element missing from
   standard GAN", 2018, arXiv:1807.00734
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor
from torch.nn.functional import relu, softplus

AdversarialKind = Literal["vanilla", "lsgan", "hinge", "relativistic"]
Pair = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class AdversarialLoss:
    """Two functions of the logits ``(real, made)``, each a scalar to minimise.

    Attributes:
        discriminator: What the discriminator minimises; pass generated pictures detached.
        generator: What the generator minimises.
        compares: Whether the generator's loss uses ``real``.
    """

    discriminator: Pair
    generator: Pair
    compares: bool = False


def _vanilla() -> AdversarialLoss:
    # softplus(-x) = -log σ(x), without overflow.
    return AdversarialLoss(
        lambda real, made: softplus(-real).mean() + softplus(made).mean(),
        lambda real, made: softplus(-made).mean(),
    )


def _lsgan() -> AdversarialLoss:
    return AdversarialLoss(
        lambda real, made: 0.5 * ((real - 1) ** 2).mean() + 0.5 * (made**2).mean(),
        lambda real, made: 0.5 * ((made - 1) ** 2).mean(),
    )


def _hinge() -> AdversarialLoss:
    return AdversarialLoss(
        lambda real, made: relu(1 - real).mean() + relu(1 + made).mean(),
        lambda real, made: -made.mean(),
    )


def _relativistic() -> AdversarialLoss:
    def realer(a: Tensor, b: Tensor) -> Tensor:
        # Small where a looks more real than b does on average, and b less than a.
        return softplus(b.mean() - a).mean() + softplus(b - a.mean()).mean()

    return AdversarialLoss(realer, lambda real, made: realer(made, real), compares=True)


_KINDS: dict[str, Callable[[], AdversarialLoss]] = {
    "vanilla": _vanilla,
    "lsgan": _lsgan,
    "hinge": _hinge,
    "relativistic": _relativistic,
}


def adversarial_loss(kind: AdversarialKind) -> AdversarialLoss:
    """The pair of losses by name.

    >>> import torch
    >>> float(adversarial_loss("hinge").discriminator(torch.ones(4, 1), -torch.ones(4, 1)))
    0.0
    """
    return _KINDS[kind]()
