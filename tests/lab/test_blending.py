"""Weights of two networks are mixed where these are of one architecture, and only there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from crispen.errors import UsageError
from crispen.lab.blending import Blend
from crispen.lab.checkpoint import load_checkpoint
from crispen.lab.export import export_checkpoint
from crispen.lab.networks import build_network
from crispen.lab.recipe import Recipe
from crispen.lab.training import Trainer
from crispen.models.store import find

Make = Callable[..., Recipe]


def trained(recipe: Recipe, folder: Path) -> Path:
    trainer = Trainer(recipe, folder, device="cpu")
    trainer.fit()
    return folder / "last.ckpt"


@pytest.fixture
def runs(recipe: Make, tmp_path: Path) -> list[Path]:
    changes = ("train.steps=2", "network.kind=plain", "network.width=8", "network.depth=2")
    return [
        trained(recipe("upscale", *changes, f"train.seed={n}"), tmp_path / f"{n}") for n in range(2)
    ]


def kernels(checkpoint: Path) -> dict[str, torch.Tensor]:
    content = load_checkpoint(checkpoint)
    recipe = content["recipe"]
    network = build_network(recipe.network, scale=recipe.scale, channels=recipe.data.channels)
    network.load_state_dict(content["average"])
    return network.merged().state_dict()


def test_the_export_is_the_weighted_mean_and_says_so(runs: list[Path], tmp_path: Path) -> None:
    from safetensors.torch import load_file

    path = export_checkpoint(runs[0], tmp_path, blend=Blend(str(runs[1]), 0.25).into)
    mixed = load_file(path.with_suffix(".safetensors"))
    mine, theirs = kernels(runs[0]), kernels(runs[1])
    for name, found in mixed.items():
        torch.testing.assert_close(found, 0.75 * mine[name] + 0.25 * theirs[name])
    assert not torch.equal(mixed["body.0.weight"], mine["body.0.weight"])
    assert find(str(path))[1].training.kept == (
        f"0.75 of its weights and 0.25 of those of {runs[1]}"
    )


def test_another_architecture_is_refused(runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--blend photo-x2: its network"):
        export_checkpoint(runs[0], tmp_path, blend=Blend("photo-x2", 0.5).into)
    assert not list(tmp_path.glob("*.onnx"))


@pytest.mark.parametrize("text", ["real-x2", "real-x2=", "real-x2=2", "=0.5", "real-x2=nan"])
def test_a_share_is_a_number_from_0_to_1(text: str) -> None:
    with pytest.raises(UsageError, match=r"--blend .*as in --blend real-x2=0\.4"):
        Blend.parse(text)


def test_a_name_may_hold_an_equals_sign() -> None:
    assert Blend.parse("a=b.ckpt=0.5") == Blend("a=b.ckpt", 0.5)
