"""Adversarial losses by NumPy, and what each side wants."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch

from crispen.lab.losses.adversarial import AdversarialKind, adversarial_loss

REAL = np.array([[1.5], [-0.5], [2.0]])
MADE = np.array([[-1.0], [0.25], [-3.0]])
KINDS = get_args(AdversarialKind)


def log_sigmoid(x: np.ndarray) -> np.ndarray:
    return -np.log1p(np.exp(-x))


def expected(kind: str) -> tuple[float, float]:
    """Discriminator's and generator's loss by the papers' formulas."""
    r, f = REAL, MADE
    match kind:
        case "vanilla":
            return (
                -np.mean(log_sigmoid(r)) - np.mean(np.log(1 - 1 / (1 + np.exp(-f)))),
                -np.mean(log_sigmoid(f)),
            )
        case "lsgan":
            return 0.5 * np.mean((r - 1) ** 2) + 0.5 * np.mean(f**2), 0.5 * np.mean((f - 1) ** 2)
        case "hinge":
            return np.mean(np.maximum(0, 1 - r)) + np.mean(np.maximum(0, 1 + f)), -np.mean(f)
        case _:
            a, b = r - f.mean(), f - r.mean()
            return (
                -np.mean(log_sigmoid(a)) - np.mean(log_sigmoid(-b)),
                -np.mean(log_sigmoid(-a)) - np.mean(log_sigmoid(b)),
            )


@pytest.mark.parametrize("kind", KINDS)
def test_formulas(kind: AdversarialKind) -> None:
    loss = adversarial_loss(kind)
    real, made = torch.from_numpy(REAL), torch.from_numpy(MADE)
    discriminator, generator = expected(kind)
    assert float(loss.discriminator(real, made)) == pytest.approx(discriminator)
    assert float(loss.generator(real, made)) == pytest.approx(generator)


@pytest.mark.parametrize("kind", KINDS)
def test_each_side_pulls_its_way(kind: AdversarialKind) -> None:
    loss = adversarial_loss(kind)
    for side, sign in ((loss.discriminator, 1), (loss.generator, -1)):
        # Between 0 and 1, where lsgan, too, wants to go opposite ways.
        made = torch.tensor([[0.2], [0.5], [0.3]], dtype=torch.float64).requires_grad_()
        side(torch.from_numpy(REAL), made).backward()
        assert made.grad is not None
        # The discriminator lowers the scores of made pictures, the generator raises them.
        assert float(made.grad.sum()) * sign > 0


@pytest.mark.parametrize("kind", KINDS)
def test_no_overflow(kind: AdversarialKind) -> None:
    loss = adversarial_loss(kind)
    for real, made in ((1e4, -1e4), (-1e4, 1e4)):
        logits = torch.full((2, 1), real), torch.full((2, 1), made)
        assert torch.isfinite(loss.discriminator(*logits))
        assert torch.isfinite(loss.generator(*logits))
