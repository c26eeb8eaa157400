"""Recipes are strict, and an error names the key."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from crispen.errors import MissingInput, UsageError
from crispen.lab.data.augmentation import Augment
from crispen.lab.data.tables import Stage
from crispen.lab.recipe import (
    Adversarial,
    Paper,
    Recipe,
    Validation,
    load_recipe,
    read_recipe,
    recipe_names,
    recipe_text,
)
from crispen.lab.teacher import TeacherTable
from crispen.lab.train_table import Train

NOISE = """
name = "denoise-mine"
task = "denoise"
scale = 1

[network]
kind = "plain"
width = 8
depth = 2

[data]
path = "pictures"
color = "rgb"

[[degradation]]
kind = "gaussian-noise"
sigma = [0, 50]

[[degradation]]
kind = "salt-and-pepper"
proportion = 0.3
probability = 0.5

[[loss]]
kind = "l1"

[[loss]]
kind = "mse"
weight = 100
"""


@pytest.fixture
def noise(tmp_path: Path) -> str:
    file = tmp_path / "noise.toml"
    file.write_text(NOISE)
    return str(file)


@pytest.mark.parametrize("name", recipe_names())
def test_shipped_recipes_load(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.summary
    if recipe.task == "upscale" and name.rpartition("-x")[2].isdecimal():
        assert name.endswith(f"-x{recipe.scale}")


def test_overrides_go_through_the_schema(noise: str) -> None:
    recipe = load_recipe(
        noise,
        [
            "train.steps=7",
            "degradation.0.sigma=[0, 30]",
            "loss.1.weight=5",
            'data.path="here"',
            "validation.monitor=mse",
        ],
    )
    assert recipe.train.steps == 7
    assert recipe.degradation[0].model_dump()["sigma"] == (0, 30)
    assert recipe.loss[1].weight == 5
    assert recipe.data.model_dump()["path"] == "here"
    assert recipe.validation.monitor == "mse"


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("train.stepz=7", "^--set: train.stepz: no such key; did you mean steps"),
        ("trian.steps=7", "^--set: trian: no such key; did you mean train"),
        ("validation.1.path=x", "validation.1"),
        ("train.steps=-1", "train.steps"),
        ("train.learning_rate=0", "train.learning_rate"),
        ("train.schedule=wild", "train.schedule"),
        ("train.betas=[0.9, 1.0]", "train.betas.1"),
        ("train.keep_epochs=[0]", "train.keep_epochs.0"),
        ("network.depht=3", "network.depht"),
        ("network.kind=plane", "network"),
        ("loss.0.kind=l7", "loss.0"),
        ("loss=[]", "loss: needs at least one entry"),
        ("scale=0", "scale"),
        ("scale=2", "denoise keeps the size"),
        ("task=upscale", "upscale needs a scale of 2"),
        ("task=magic", "task"),
        ("degradation.1.proportion=1.0", "degradation.1.proportion"),
        ("degradation.7.proportion=0.3", "'7' is none of the 2 entries"),
        ("degradation.first.proportion=0.3", "'first' is none of the 2 entries"),
        ("name.first=1", "name is a value"),
        ("data.colour=rgb", "data.colour"),
        ("data.batch=0", "data.batch"),
        ("validation.every=3", "validation.every"),
        ("adversarial.weight=-1", "adversarial.weight"),
        ("paper.figures={psnr = 'good'}", "paper.figures.psnr"),
        ("train.steps", "key=value"),
    ],
)
def test_wrong_keys_and_values(noise: str, override: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        load_recipe(noise, [override])


def test_what_was_resolved_is_read_back_the_same(noise: str, tmp_path: Path) -> None:
    recipe = load_recipe(
        noise,
        ["train.sample_epochs=[5, 15]", 'paper.figures={psnr=27.25, "mse"=0.0024}'],
    )
    copy = tmp_path / "copy.toml"
    copy.write_text(recipe_text(recipe))
    assert load_recipe(str(copy)) == recipe


def test_texts_for_the_card(noise: str) -> None:
    recipe = load_recipe(noise, ["adversarial.weight=1e-3"])
    assert recipe.loss_text == "l1 + 100 mse + 0.001 adversarial (vanilla)"
    assert recipe.degradation_text == "gaussian-noise=0..50, salt-and-pepper=0.3"


def test_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(MissingInput, match=r"did you mean photo-x2"):
        load_recipe("foto-x2")


def test_filters_need_no_training() -> None:
    with pytest.raises(UsageError, match="evaluate --baseline nearest"):
        load_recipe("nearest")


def test_a_missing_list_has_no_entries() -> None:
    with pytest.raises(UsageError, match="'3' is none of the 0 entries"):
        load_recipe("photo-x2", ["degradation.3.sigma=3"])


def test_a_wrong_file_is_to_blame_for_itself(tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_text('name = "x"\nscael = 2\n')
    with pytest.raises(UsageError, match=r"r\.toml: "):
        load_recipe(str(file), ["train.steps=3"])


def test_not_toml(tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_text("name = = 3")
    with pytest.raises(UsageError, match="not valid TOML"):
        load_recipe(str(file))


@pytest.mark.parametrize("missing", ["network", "data", "loss", "name"])
def test_what_every_recipe_must_have(noise: str, missing: str) -> None:
    table: dict[str, Any] = load_recipe(noise).model_dump(mode="json")
    del table[missing]
    with pytest.raises(UsageError, match=missing):
        read_recipe(table, "here")


@pytest.mark.parametrize(
    "table", [Recipe, Train, Augment, Stage, TeacherTable, Adversarial, Validation, Paper]
)
def test_every_field_is_described(table: Any) -> None:
    plain = {"network", "data", "augment", "train", "adversarial", "validation", "paper"}
    plain.add("discriminator")
    silent = [n for n, f in table.model_fields.items() if not f.description and n not in plain]
    assert silent == []


def test_the_page_is_fresh() -> None:
    file = Path(__file__).parents[2] / "tools" / "recipe_page.py"
    spec = importlib.util.spec_from_file_location("recipe_page", file)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.PAGE.read_text() == tool.page(), "run 'python tools/recipe_page.py'"
