"""Recipes: short TOML files that state data, degradation, network, loss and schedule.

Every table is a frozen class that rejects unknown keys, so that misspelt keys are reported.
``--set train.steps=100`` is checked by the same classes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Discriminator, Field, Tag, ValidationError, model_validator

from crispen.errors import MissingInput, UsageError, nearest_names
from crispen.lab.data import DataTable
from crispen.lab.data.augmentation import Augment
from crispen.lab.degradations import Degradation, DegradationTable
from crispen.lab.losses import LossTable
from crispen.lab.losses.adversarial import AdversarialKind
from crispen.lab.networks import NetworkTable
from crispen.lab.networks.discriminator import DiscriminatorTable
from crispen.lab.networks.unet_discriminator import UNetDiscriminatorTable
from crispen.lab.table import PLUGIN, Table
from crispen.lab.teacher import TeacherTable
from crispen.lab.train_table import Train
from crispen.media.resample import Method
from crispen.models.tasks import Task
from crispen.plugins import short_name, with_absolute_paths


def _judge(table: Any) -> Any:
    """The kind of a discriminator's table; ``vgg`` if it is not given, as in version 0.1."""
    return table.get("kind", "vgg") if isinstance(table, dict) else getattr(table, "kind", None)


class Adversarial(Table):
    """Adversarial training against a discriminator."""

    discriminator: Annotated[
        Annotated[DiscriminatorTable, Tag("vgg")] | Annotated[UNetDiscriminatorTable, Tag("unet")],
        Discriminator(_judge),
    ] = DiscriminatorTable()
    loss: AdversarialKind = Field("vanilla", description="adversarial loss of both networks")
    weight: float = Field(1e-3, gt=0, description="weight of the adversarial loss")
    learning_rate: float = Field(
        1e-4, gt=0, lt=10, description="learning rate of the discriminator's Adam"
    )
    pretrain_steps: int = Field(
        0, ge=0, description="steps of the generator alone, before adversarial training"
    )


class Validation(Table):
    """Validation during training."""

    path: str = Field(
        "",
        description="folder with HR and LR_xN, or of pictures that the recipe degrades; "
        "otherwise a part of the data is held out",
    )
    count: int = Field(32, ge=1, le=10_000, description="number of held-out crops")
    monitor: Literal[
        "psnr", "ssim", "mse", "loss", "lpips", "dists", "ssimulacra2", "niqe", "brisque"
    ] = Field(
        "psnr",
        description="metric of the best checkpoint, of early stopping and of plateau; with "
        "adversarial training use lpips, dists, ssimulacra2, niqe or brisque, as with the others "
        "the latest checkpoint is kept",
    )

    @property
    def perceptual(self) -> bool:
        """Whether the monitored figure measures perceptual quality."""
        return self.monitor not in ("psnr", "ssim", "mse", "loss")

    @property
    def larger_is_better(self) -> bool:
        """Whether a larger monitored figure is better."""
        return self.monitor in ("psnr", "ssim", "ssimulacra2")


class TrackerTable(Table):
    """Where the log of a run is sent too."""

    kind: Literal["none", "tensorboard", "wandb", "mlflow"] = Field(
        description="tensorboard: files in the run's folder; wandb: Weights & Biases, as its "
        "environment variables say; mlflow: the server of MLFLOW_TRACKING_URI, or else mlflow.db "
        "beside the run's folder"
    )
    project: str = Field(
        "crispen", min_length=1, description="W&B's project, or MLflow's experiment"
    )


class Paper(Table):
    """Published figures to compare with."""

    title: str = Field("", description="title of the paper or report")
    source: str = Field("", description="where it was published")
    figures: dict[str, float] = Field({}, description="psnr, ssim, mse …")


class Recipe(Table):
    """One trainable model."""

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", description="the model's name")
    task: Task = Field("upscale", description="what the model is for")
    summary: str = Field("", description="one sentence for the card")
    scale: int = Field(1, ge=1, le=8, description="how many times larger each side becomes")
    network: NetworkTable
    data: DataTable
    degradation: tuple[DegradationTable, ...] = Field((), description="applied in this order")
    augment: Augment = Augment()
    loss: tuple[LossTable, ...] = Field(min_length=1, description="weighted sum of losses")
    train: Train = Train()
    teacher: TeacherTable | None = Field(
        None, description="a network whose outputs are the targets (distillation)"
    )
    adversarial: Adversarial | None = None
    validation: Validation = Validation()
    tracker: TrackerTable | None = Field(
        None, description="where the log is sent too; nowhere unless given"
    )
    paper: Paper | None = None

    @model_validator(mode="after")
    def _task_fits_scale(self) -> Self:
        if self.task == "upscale" and self.scale == 1:
            raise ValueError("upscale needs a scale of 2 or more; for scale 1 give another task")
        if self.task in ("denoise", "sharpen", "relight") and self.scale != 1:
            raise ValueError(f"{self.task} keeps the size, so scale is 1; for both, use restore")
        return self

    @model_validator(mode="after")
    def _epochs_have_one_length(self) -> Self:
        for key in ("epochs", "sample_epochs", "keep_epochs"):
            if self.data.progressive and getattr(self.train, key):
                raise ValueError(
                    f"train.{key}: data.progressive changes how long an epoch is; give "
                    f"{'train.steps' if key == 'epochs' else 'steps'} instead"
                )
        return self

    @property
    def loss_text(self) -> str:
        """The loss as text for the model card, as in ``l1 + 0.5 ssim``."""
        named = [(short_name(term.kind), term.weight) for term in self.loss]
        terms = [kind if weight == 1 else f"{weight:g} {kind}" for kind, weight in named]
        if self.teacher:
            terms.append(f"taught by {self.teacher.name or Path(self.teacher.model).stem}")
        if self.adversarial:
            terms.append(f"{self.adversarial.weight:g} adversarial ({self.adversarial.loss})")
        return " + ".join(terms)

    @property
    def degradation_text(self) -> str:
        """The degradation as text for the card, as in ``gaussian-noise=0..50, jpeg=30..90``."""
        return ", ".join(_degradation_text(table) for table in self.degradation)


def _degradation_text(table: Degradation) -> str:
    kind = short_name(table.kind)
    value = getattr(table, table.main) if table.main else None
    if isinstance(value, tuple) and all(isinstance(v, int | float) for v in value):
        value = "..".join(f"{v:g}" for v in dict.fromkeys(value))
    return f"{kind}={value}" if value is not None else kind


def _shipped() -> dict[str, Path]:
    folder = resources.files("crispen.lab") / "recipes"
    return {p.stem: p for p in sorted(Path(str(folder)).glob("*.toml"))}


def recipe_names() -> list[str]:
    """Names of the recipes that come with Crispen."""
    return list(_shipped())


_LISTS = ("degradation", "loss")


def _assign(table: dict[str, Any], assignment: str) -> None:
    key, equals, text = assignment.partition("=")
    if not equals:
        raise UsageError(f"--set {assignment}: write it as key=value, as in train.steps=1000")
    try:
        value = tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        value = text
    *parents, last = key.strip().split(".")
    place: Any = table
    for parent in parents:
        place = (
            place[_index(place, parent, key)]
            if isinstance(place, list)
            else (
                place.setdefault(parent, [] if parent in _LISTS else {})
                if isinstance(place, dict)
                else None
            )
        )
    if isinstance(place, list):
        place[_index(place, last, key)] = value
    elif isinstance(place, dict):
        place[last] = value
    else:
        raise UsageError(f"--set {assignment}: {'.'.join(parents)} is a value, not a table")


def _index(items: list[Any], text: str, key: str) -> int:
    if not text.isdecimal() or int(text) >= len(items):
        raise UsageError(
            f"--set {key}: '{text}' is none of the {len(items)} entries, counted from 0"
        )
    return int(text)


def read_recipe(table: dict[str, Any], source: str) -> Recipe:
    """A validated recipe from a parsed TOML table.

    Args:
        table: The parsed table.
        source: Name of its source for error messages.

    Raises:
        UsageError: A key or value is not valid; the error names it.
    """
    try:
        return Recipe.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        kinds = {
            str(entry["kind"])
            for part in table.values()
            for entry in (part if isinstance(part, list) else [part])
            if isinstance(entry, dict) and "kind" in entry
        } | {"folder", PLUGIN}
        path = [part for part in first["loc"] if part not in kinds]
        where = ".".join(str(part) for part in path)
        problem = _explained(first["type"], first["msg"], path)
        raise UsageError(
            f"{source}: {where}: {problem}" if where else f"{source}: {problem}"
        ) from error


def _explained(kind: str, message: str, path: list[int | str]) -> str:
    """The text of a validation error in one value."""
    if kind == "too_short":
        return "needs at least one entry"
    if kind == "extra_forbidden":
        table: Any = Recipe if len(path) == 1 else Recipe.model_fields[str(path[0])].annotation
        # A table that may be left out is `Table | None`.
        tables = get_args(table) or (table,)
        known = {name for one in tables for name in getattr(one, "model_fields", {})}
        return f"no such key{nearest_names(str(path[-1]), known)}"
    return message.removeprefix("Value error, ")


def load_recipe(name_or_path: str, overrides: Sequence[str] = ()) -> Recipe:
    """Reads and validates a recipe.

    Args:
        name_or_path: Name of a recipe that comes with Crispen, or a TOML file.
        overrides: Changes as ``key=value``, the syntax of ``--set``; a number in a key is the index
            in a list, as in ``degradation.0.sigma=[0,30]``.

    Raises:
        MissingInput: The recipe does not exist.
        UsageError: The file is not TOML, or a key or value is not valid.

    >>> load_recipe("photo-x2", ["train.steps=10"]).train.steps
    10
    """
    path = _found(name_or_path)
    if name_or_path in get_args(Method):
        raise UsageError(
            f"{name_or_path} needs no training; measure it with: crispen evaluate --baseline "
            f"{name_or_path}"
        )
    if not path.is_file():
        hint = nearest_names(name_or_path, recipe_names()) or f"; those are {', '.join(_shipped())}"
        raise MissingInput(
            f"{name_or_path}: neither a recipe that comes with Crispen nor a TOML file{hint}"
        )
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from error
    for assignment in overrides:
        _assign(table, assignment)
    try:
        table = with_absolute_paths(table, path.parent)
        return read_recipe(table, "--set" if overrides else str(path))
    except UsageError:
        # An error in the file itself is reported before one in the overrides.
        read_recipe(with_absolute_paths(tomllib.loads(text), path.parent), str(path))
        raise


def _found(name_or_path: str) -> Path:
    """The file of a recipe; ``srgan`` is short for ``srgan-x4`` if that is the only match."""
    shipped = _shipped()
    if name_or_path in shipped:
        return shipped[name_or_path]
    family = [name for name in shipped if name.rpartition("-x")[0] == name_or_path]
    if len(family) > 1 and not Path(name_or_path).is_file():
        raise MissingInput(f"{name_or_path}: there is {', '.join(family)}; name one of them")
    return shipped[family[0]] if family else Path(name_or_path)


def recipe_text(recipe: Recipe) -> str:
    """The recipe as TOML with all values, defaults included; `load_recipe` can read it.

    >>> "steps = 10" in recipe_text(load_recipe("photo-x2", ["train.steps=10"]))
    True
    """
    import tomlkit

    return tomlkit.dumps(recipe.model_dump(mode="json", exclude_none=True))
