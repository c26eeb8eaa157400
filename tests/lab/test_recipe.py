"""Recipes are strict, and an error names the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from crispen.errors import MissingInput, UsageError
from crispen.lab.recipe import load_recipe, recipe_names


@pytest.mark.parametrize("name", recipe_names())
def test_shipped_recipes_load(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert name.endswith(f"-x{recipe.scale}")
    assert recipe.summary


def test_overrides_go_through_the_schema() -> None:
    recipe = load_recipe("photo-x2", ["train.steps=7", "train.loss=mse", 'data.path="here"'])
    assert (recipe.train.steps, recipe.train.loss, recipe.data.path) == (7, "mse", "here")


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("train.stepz=7", "train.stepz"),
        ("train.steps=-1", "train.steps"),
        ("network.depht=3", "network.depht"),
        ("train.loss=l7", "train.loss"),
        ("train.steps", "key=value"),
    ],
)
def test_wrong_keys_and_values(override: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        load_recipe("photo-x2", [override])


def test_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(MissingInput, match=r"did you mean photo-x2"):
        load_recipe("foto-x2")


def test_not_toml(tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_text("name = = 3")
    with pytest.raises(UsageError, match="not valid TOML"):
        load_recipe(str(file))
