"""Every shipped recipe fits together: network, data, degradations, losses, discriminator."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch

from crispen.lab.degradations import Pipeline
from crispen.lab.losses import build_loss
from crispen.lab.networks import build_network
from crispen.lab.recipe import load_recipe, recipe_names

# Each row of the design's table of networks.
ROWS = {
    "srcnn-x2": "srcnn",
    "srcnn-x3": "srcnn",
    "srcnn-x4": "srcnn",
    "espcn-x2": "espcn",
    "espcn-gaussian-x2": "espcn",
    "espcn-yuv-x2": "espcn",
    "autoencoder-sharpen": "autoencoder-sharpen",
    "autoencoder-unet": "autoencoder-unet",
    "autoencoder-denoise": "autoencoder-denoise",
    "autoencoder-denoise-small": "autoencoder-denoise",
    "autoencoder-dense": "autoencoder-dense",
    "autoencoder-variational": "autoencoder-variational",
    "deconvolution-x2": "deconvolution",
    "residual-x4": "residual",
    "unet-denoise": "unet-denoise",
    "srgan-x4": "srresnet",
    "srresnet-x4": "srresnet",
    "fsrcnn-x2": "fsrcnn",
    "edsr-x2": "edsr",
}


@pytest.mark.parametrize("name", ROWS)
def test_the_classics_have_their_networks(name: str) -> None:
    assert load_recipe(name).network.kind == ROWS[name]


@pytest.mark.parametrize("name", recipe_names())
def test_its_parts_fit_together(name: str) -> None:
    """One picture goes from HR crop to loss, at the recipe's own sizes."""
    recipe = load_recipe(name)
    channels, patch = recipe.data.channels, recipe.data.patch
    torch.manual_seed(0)
    network = build_network(recipe.network, scale=recipe.scale, channels=channels).train()
    network.check_side(patch)
    pipeline = Pipeline(recipe.degradation, scale=recipe.scale, patch=patch, channels=channels)
    generator = torch.Generator().manual_seed(0)
    crops = torch.rand(2, channels, pipeline.crop, pipeline.crop, generator=generator)
    pair = pipeline(crops, generator)
    with torch.no_grad():
        total, terms = build_loss(recipe.loss)(network.outputs(pair.input, pair.dials), pair.target)
    assert torch.isfinite(total)
    assert len(terms) == len(recipe.loss)
    if recipe.adversarial:
        opponent = recipe.adversarial.discriminator.build(channels)
        opponent.check_side(recipe.scale * patch)
    if recipe.data.kind == "cifar10":
        assert pipeline.crop == 32, "its pictures have no room for a margin"


@pytest.mark.parametrize(
    "name", [n for n in recipe_names() if "path" in type(load_recipe(n).data).model_fields]
)
def test_it_fits_the_data_at_hand(name: str, shared_data: Path) -> None:
    """Nine in ten pictures of the set that it names have room for its crops."""
    recipe = load_recipe(name)
    folder = shared_data / recipe.data.path.removeprefix("../shared/data/")
    assert folder.is_dir()
    pipeline = Pipeline(
        recipe.degradation,
        scale=recipe.scale,
        patch=recipe.data.patch,
        channels=recipe.data.channels,
    )
    if folder.name == "train":
        with (folder / "MANIFEST.csv").open() as file:
            sizes = [row["stored_size"].split("x") for row in csv.DictReader(file)]
        sides = [min(int(n) for n in size) for size in sizes]
    else:
        sides = [32 if folder.name == "cifar10" else recipe.data.resize]
    assert sum(side >= pipeline.crop for side in sides) >= 0.9 * len(sides)
