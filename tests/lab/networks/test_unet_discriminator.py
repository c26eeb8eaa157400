"""The discriminator that judges every pixel."""

from __future__ import annotations

import pytest
import torch

from crispen.errors import UsageError
from crispen.lab.networks.unet_discriminator import UNetDiscriminator, UNetDiscriminatorTable
from crispen.lab.recipe import load_recipe


def test_it_scores_every_pixel():
    network = UNetDiscriminatorTable(width=4).build(3)
    assert network(torch.rand(2, 3, 32, 24)).shape == (2, 1, 32, 24)


def test_it_sees_far_but_not_without_limit():
    network = UNetDiscriminator(3, 4).eval()
    x = torch.rand(1, 3, 96, 96, requires_grad=True)
    network(x)[0, 0, 48, 48].backward()
    rows = x.grad.abs().sum(dim=(0, 1, 3)).nonzero().flatten()
    assert rows.min() < 48 - 16
    assert rows.max() > 48 + 16
    assert rows.min() > 0


def test_the_size_must_fit():
    UNetDiscriminator(3, 4).check_side(64)
    with pytest.raises(UsageError, match="multiple of 8, not 36"):
        UNetDiscriminator(3, 4).check_side(36)


def test_a_recipe_may_name_it():
    recipe = load_recipe("srgan-x4", ['adversarial.discriminator={kind="unet", width=8}'])
    assert recipe.adversarial is not None
    assert isinstance(recipe.adversarial.discriminator, UNetDiscriminatorTable)
