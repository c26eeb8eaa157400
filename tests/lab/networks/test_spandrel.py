"""Networks of spandrel in recipes: strict arguments, training, a published start, a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from crispen.errors import ModelError, UsageError
from crispen.lab.checkpoint import BEST, CHECKPOINT, load_checkpoint
from crispen.lab.export import export_checkpoint
from crispen.lab.learner import make_network
from crispen.lab.networks.spandrel import Foreign, SpandrelTable, recognised
from crispen.lab.networks.spandrel_library import arguments_of, class_of, classes
from crispen.lab.published import network_of, read_published
from crispen.lab.recipe import Recipe, load_recipe, read_recipe, recipe_text
from crispen.lab.start import start_from
from crispen.lab.training import Trainer
from crispen.models.card import read_card

from ...published_files import SMALL, build, publish

Make = Callable[..., Recipe]
COMPACT = "network={kind='spandrel', architecture='Compact', num_feat=8, num_conv=1}"


def table(**network: Any) -> Recipe:
    content = {
        "name": "theirs-x2",
        "scale": 2,
        "network": {"kind": "spandrel", **network},
        "data": {"kind": "toy", "color": "rgb", "patch": 16, "batch": 2},
        "loss": [{"kind": "l1"}],
    }
    return read_recipe(content, "recipe")


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ({}, "network.architecture: Field required"),
        ({"architecture": "SPAM"}, r"has none called 'SPAM'; did you mean SPAN"),
        ({"architecture": "realplksr"}, "did you mean RealPLKSR"),
        (
            {"architecture": "SPAN", "feature_chanels": 8},
            "feature_chanels: SPAN has no such argument; did you mean feature_channels",
        ),
        ({"architecture": "SPAN", "feature_channels": "many"}, "feature_channels: Input should be"),
        ({"architecture": "SPAN", "upscale": 2}, "upscale: is the recipe's scale"),
        ({"architecture": "SPAN", "num_in_ch": 3}, "num_in_ch: is the recipe's data.color"),
        ({"architecture": "SwinIR", "norm_layer": "x"}, "norm_layer: SwinIR has no such argument"),
    ],
)
def test_a_table_is_as_strict_as_our_own(network: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        table(**network)


def test_every_value_is_written_out_and_read_again(tmp_path: Path) -> None:
    recipe = table(architecture="SPAN", feature_channels=8)
    assert recipe.network.model_dump()["img_range"] == 255.0
    (tmp_path / "a.toml").write_text(recipe_text(recipe))
    again = load_recipe(str(tmp_path / "a.toml"))
    assert again.network == recipe.network
    assert "feature_channels = 8" in recipe_text(again)
    assert recipe.network.describe() == "SPAN of spandrel, feature_channels 8"


def test_a_network_that_is_another_than_the_recipe_says_is_refused() -> None:
    with pytest.raises(UsageError, match="enlarges 1 times and takes 3 channels, not 2 and 3"):
        make_network(table(architecture="DnCNN", nc=8, nb=4))
    with pytest.raises(UsageError, match="network SwinIR: cannot be built: "):
        SpandrelTable(architecture="SwinIR", embed_dim=7, num_heads=[2]).build(2, 3)


@pytest.mark.parametrize("name", ["LaMa", "GFPGANv1Clean"])
def test_what_fills_holes_or_restores_faces_is_no_network_here(name: str) -> None:
    class Descriptor:
        purpose, architecture, tags = "FaceSR", type("A", (), {"name": name}), ()

    assert name in classes()
    with pytest.raises(ModelError, match="restores faces only"):
        Foreign(torch.nn.Identity(), Descriptor())


def test_every_architecture_has_a_table() -> None:
    # spandrel 0.4.2 has 42 architectures; some are several networks.
    assert len(set(classes().values())) >= 42
    for name in classes():
        fields = arguments_of(name).model_fields
        assert not {"norm_layer", "act_layer", "conv"} & fields.keys()
    assert class_of("ESRGAN") is class_of("RRDBNet")


@pytest.mark.parametrize("name", SMALL)
def test_shapes_and_range_and_its_input_stays(name: str) -> None:
    network = build(name)
    step = network.multiple
    x = torch.rand(2, 3, 3 * step, 5 * step)
    before = x.clone()
    with torch.no_grad():
        both = network(x)
        alone = network(x[:1])
    scale = SMALL[name].scale
    assert both.shape == (2, 3, 3 * step * scale, 5 * step * scale)
    assert 0 <= float(both.min()) <= float(both.max()) <= 1
    torch.testing.assert_close(both[:1], alone, atol=1e-5, rtol=0)
    torch.testing.assert_close(x, before, atol=0, rtol=0)


def test_it_trains_and_its_model_is_recognised_again(recipe: Make, tmp_path: Path) -> None:
    made = recipe("upscale", COMPACT, "data.color=rgb", "train.steps=12", "train.ema=0.5")
    Trainer(made, tmp_path / "run", device="cpu").fit()
    saved = load_checkpoint(tmp_path / "run" / CHECKPOINT)
    fresh = make_network(made).state_dict()
    assert any(not torch.equal(saved["network"][key], fresh[key]) for key in fresh)
    path = export_checkpoint(tmp_path / "run" / BEST, tmp_path)
    card = read_card(path)
    assert (card.halo, card.multiple, card.scale) == (3, 1, 2)  # three 3×3 convolutions
    assert card.architecture == "Compact of spandrel, num_feat 8, num_conv 1"
    weights = load_file(path.with_suffix(".safetensors"))
    assert recognised(dict(weights)).architecture.name == "RealESRGAN Compact"


def test_a_published_file_is_where_it_starts(tmp_path: Path) -> None:
    start = publish(tmp_path / "4x-theirs.pth")
    arguments = SMALL["SRVGGNetCompact"].arguments
    network = SpandrelTable(architecture="Compact", **arguments).build(4, 3)
    assert start_from(network, str(start))["started_from"] == "4x-theirs"
    expected = network_of(read_published(start)).model.state_dict()
    for key, value in network.model.state_dict().items():
        torch.testing.assert_close(value, expected[key], atol=0, rtol=0)
    other = SpandrelTable(architecture="SPAN", feature_channels=8).build(4, 3)
    with pytest.raises(UsageError, match=r"train\.start: nothing in .* fits this network"):
        start_from(other, str(start))
