"""A run that starts from a model file: the first thing it gives is what the model gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator

from crispen.errors import ModelError, UsageError
from crispen.lab.checkpoint import CHECKPOINT, load_checkpoint, rescaled_tail
from crispen.lab.data.toy import toy_pictures
from crispen.lab.export import StudioRange, export_checkpoint
from crispen.lab.learner import make_network
from crispen.lab.networks import Network
from crispen.lab.networks.curve import Curve
from crispen.lab.recipe import Recipe, load_recipe
from crispen.lab.start import begin, start_from
from crispen.lab.training import Trainer
from crispen.models.card import read_card
from crispen.models.store import find, shipped_names

Make = Callable[..., Recipe]


def run_both(network: Network, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """A picture through a network, and through a model file by ONNX's own reference."""
    side = network.window_px or 24
    pixels = toy_pictures(1, side, seed=3)[0][..., : network.channels]
    x = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]).astype(np.float32) / 255.0
    given = {"input": x}
    with torch.no_grad():
        if isinstance(network, Curve):  # whose file holds the part that finds the curve
            parts = network.seen(torch.from_numpy(x))
            given = dict(zip(("view", "statistics"), (p.numpy() for p in parts), strict=True))
            mine = network.estimator.eval()(*parts).numpy()
        else:
            mine = network.eval()(torch.from_numpy(x)).numpy()
    (theirs,) = ReferenceEvaluator(onnx.load(path)).run(None, given)
    return mine, np.asarray(theirs)


@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_model(name: str) -> None:
    path, card = find(name)
    assert card.training is not None
    recipe = load_recipe(card.training.recipe)
    network = make_network(recipe)
    lineage = start_from(network, name)
    assert (lineage["started_from"], lineage["steps"]) == (name, card.training.steps)
    # As a run trains it, rich blocks and all.
    whole = StudioRange(network) if recipe.data.color == "yuv" else network
    mine, theirs = run_both(whole, path)
    assert np.abs(mine - theirs).max() < 1e-4
    if name == "residual-x4":  # in training too: folded normalisation begins by changing nothing
        layers = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        x = torch.from_numpy(np.stack(toy_pictures(8, 96, seed=0))).permute(0, 3, 1, 2) / 255.0
        for layer in network.modules():
            layer.train(layer in layers)
        with torch.no_grad():
            in_training = network(x)
            for layer in layers:
                layer.eval()
            assert (in_training.clamp(0, 1) - network(x).clamp(0, 1)).abs().mean() < 2e-3


def test_a_run_from_a_model(recipe: Make, tmp_path: Path) -> None:
    wide = ("network.width=16", "network.depth=9", "network.activation='clipped-relu'")
    start = ("train.start='photo-fast-x2'", "train.steps=3", "name=mine-x3", "scale=3")
    trainer = Trainer(recipe("upscale", *wide, *start), tmp_path / "mine")
    weights = {i.name: i for i in onnx.load(find("photo-fast-x2")[0]).graph.initializer}
    head = trainer.learner.network.state_dict()["head.weight"].numpy()
    np.testing.assert_array_equal(head, onnx.numpy_helper.to_array(weights["network.head.weight"]))
    # Ranges that were learned are not measured again.
    learned = onnx.numpy_helper.to_array(weights["/activations.3/Constant_1_output_0"])
    assert trainer.learner.network.activations[3].range.item() == learned
    trainer.fit()
    assert load_checkpoint(tmp_path / "mine" / CHECKPOINT)["lineage"]["started_from"] == (
        "photo-fast-x2"
    )
    path = export_checkpoint(tmp_path / "mine" / CHECKPOINT, tmp_path)
    before = find("photo-fast-x2")[1].training
    training = read_card(path).training
    assert before is not None
    assert training is not None
    assert (training.steps, training.started_from) == (before.steps + 3, "photo-fast-x2")


def test_an_own_model_file(recipe: Make, tmp_path: Path) -> None:
    denoise = recipe("denoise", "train.steps=2")
    Trainer(denoise, tmp_path / "run").fit()
    path = export_checkpoint(tmp_path / "run" / CHECKPOINT, tmp_path)
    network = make_network(recipe("denoise", "train.seed=7"))
    start_from(network, str(path))
    mine, theirs = run_both(network, path)
    assert np.abs(mine - theirs).max() < 1e-5


def test_what_cannot_be_started_from(recipe: Make, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="did you mean photo-x2"):
        Trainer(recipe("upscale", "train.start='foto-x2'"), tmp_path)
    with pytest.raises(UsageError, match=r"nothing in srcnn-x2 \(.*\) fits this network"):
        Trainer(recipe("upscale", "train.start='srcnn-x2'"), tmp_path)


def test_a_run_for_looks_from_a_model_for_looks() -> None:
    recipe = load_recipe("vivid-x2", ["train.start='vivid-x2'"])
    network = make_network(recipe)
    assert begin(network, recipe)["started_from"] == "vivid-x2"
    mine, theirs = run_both(network, find("vivid-x2")[0])
    assert np.abs(mine - theirs).max() < 1e-4


@pytest.mark.parametrize("fold", [1, 2])
@pytest.mark.parametrize(("before", "after"), [(4, 2), (2, 4)])
def test_a_tail_for_another_scale_is_made_of_its_sub_pixels(
    before: int, after: int, fold: int
) -> None:
    def tail(scale: int) -> torch.nn.Conv2d:
        return torch.nn.Conv2d(5, 3 * (scale * fold) ** 2, 3)

    torch.manual_seed(0)
    old, new = tail(before), tail(after)
    weights = {"tail.weight": old.weight.detach(), "tail.bias": old.bias.detach()}
    found = rescaled_tail(weights, before, after, fold)
    new.load_state_dict({k.removeprefix("tail."): v for k, v in found.items()})
    x = torch.rand(1, 5, 9, 9)

    def whole(layer: torch.nn.Conv2d, scale: int) -> torch.Tensor:
        unfolded = torch.nn.functional.pixel_shuffle(layer(x), fold)
        return torch.nn.functional.pixel_shuffle(unfolded, scale)

    expected = torch.nn.functional.interpolate(
        whole(old, before),
        scale_factor=after / before,
        mode="area" if after < before else "nearest",
    )
    torch.testing.assert_close(whole(new, after), expected)
