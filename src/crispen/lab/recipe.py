"""Recipes: the short TOML that says which data, degradation, network, loss and schedule.

Every table is a frozen class that forbids unknown keys, so a typing error is told, not
ignored. ``--set train.steps=100`` goes through the same classes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crispen.errors import MissingInput, UsageError, nearest_names


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PlainNetwork(_Table):
    """A plain stack of 3×3 convolutions (`crispen.lab.networks.plain`)."""

    kind: Literal["plain"] = "plain"
    width: int = Field(32, ge=4, le=256, description="channels of each hidden layer")
    depth: int = Field(8, ge=1, le=64, description="hidden layers")
    activation: Literal["relu", "leaky-relu", "silu", "gelu"] = Field(
        "relu", description="the point-wise non-linearity"
    )

    def describe(self) -> str:
        """For the card."""
        return f"{self.depth + 2} 3x3 convolutions, {self.width} channels, {self.activation}"


class EspcnNetwork(_Table):
    """The classic sub-pixel network (`crispen.lab.networks.espcn`)."""

    kind: Literal["espcn"] = "espcn"

    def describe(self) -> str:
        """For the card."""
        return "5-3-3-3 convolutions, 64-64-32 channels, relu"


Network = Annotated[PlainNetwork | EspcnNetwork, Field(discriminator="kind")]


class Data(_Table):
    """What it learns from."""

    path: str = Field("../shared/data/train", description="folder of HR pictures")
    color: Literal["luma", "rgb"] = Field("luma", description="what the network sees")
    patch: int = Field(32, ge=8, description="side of an LR crop in pixels")
    batch: int = Field(16, ge=1, description="crops a step")
    licence: str = Field(
        "CC BY-SA, CC BY, CC0, public domain, Unsplash License, Pexels License, GPL and LGPL, "
        "picture by picture in its MANIFEST.csv",
        description="licences of the pictures, for the card",
    )


class Train(_Table):
    """How it learns."""

    steps: int = Field(20_000, ge=1, description="optimiser steps")
    learning_rate: float = Field(1e-3, gt=0, description="peak learning rate of Adam")
    warmup: int = Field(200, ge=0, description="steps to reach the peak")
    decay: float = Field(0.4, ge=0, le=1, description="last part of the steps, down to zero")
    loss: Literal["l1", "mse", "charbonnier"] = Field("l1", description="pixel loss")
    ema: float = Field(0.999, ge=0, lt=1, description="decay of the averaged weights")
    seed: int = Field(0, ge=0, description="of the weights and of the crops")
    start: str = Field("", description="checkpoint whose fitting weights it starts from")
    precision: Literal["bf16", "fp32"] = Field("bf16", description="of the convolutions")
    save_every: int = Field(1000, ge=1, description="steps between checkpoints")
    validate_every: int = Field(2000, ge=1, description="steps between validations")


class Recipe(_Table):
    """One trainable model."""

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", description="the model's name")
    task: Literal["upscale"] = Field("upscale", description="what the model is for")
    summary: str = Field("", description="one sentence for the card")
    scale: int = Field(2, ge=1, le=8, description="how many times larger each side becomes")
    network: Network = PlainNetwork()
    data: Data = Data()
    train: Train = Train()


def _shipped() -> dict[str, Path]:
    folder = resources.files("crispen.lab") / "recipes"
    return {p.stem: p for p in sorted(Path(str(folder)).glob("*.toml"))}


def recipe_names() -> list[str]:
    """The recipes that come with Crispen."""
    return list(_shipped())


def _assign(table: dict[str, Any], assignment: str) -> None:
    key, equals, value = assignment.partition("=")
    if not equals:
        raise UsageError(f"--set {assignment}: write it as key=value, as in train.steps=1000")
    *parents, last = key.strip().split(".")
    for parent in parents:
        table = table.setdefault(parent, {})
    try:
        table[last] = tomllib.loads(f"x = {value}")["x"]
    except tomllib.TOMLDecodeError:
        table[last] = value


def load_recipe(name_or_path: str, overrides: Sequence[str] = ()) -> Recipe:
    """A checked recipe.

    Args:
        name_or_path: A shipped recipe's name or a TOML file.
        overrides: ``key=value`` texts, as given to ``--set``.

    Raises:
        MissingInput: No such recipe.
        UsageError: It is not TOML, or a key or value does not fit.

    >>> load_recipe("photo-x2", ["train.steps=10"]).train.steps
    10
    """
    path = _shipped().get(name_or_path, Path(name_or_path))
    if not path.is_file():
        hint = nearest_names(name_or_path, recipe_names()) or f"; those are {', '.join(_shipped())}"
        raise MissingInput(
            f"{name_or_path}: neither a recipe that comes with Crispen nor a TOML file{hint}"
        )
    try:
        table = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from error
    for assignment in overrides:
        _assign(table, assignment)
    try:
        return Recipe.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part not in ("plain", "espcn"))
        raise UsageError(f"{path}: {where}: {first['msg']}") from error
