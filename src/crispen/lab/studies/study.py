"""What a study is: what it asks, what it trains, and how it measures.

A study is one `Study` in a file of its own. Everything else, from training to the report, is done
with it by `crispen.lab.studies.conduct`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from crispen.lab.recipe import Recipe, load_recipe
from crispen.lab.studies.outcome import Outcome, ResultTable
from crispen.lab.table import Table

if TYPE_CHECKING:
    from crispen.lab.studies.bench import Bench

T = TypeVar("T", bound=Table)


@dataclass(frozen=True)
class Training:
    """One run that a study trains.

    Attributes:
        key: Its name, and that of its folder; letters, digits and dashes, as a recipe's.
        recipe: A recipe that comes with Crispen.
        overrides: Changes to it, as ``--set`` takes them.
        quick: More changes for ``--quick``, after those of the study.
        start: Key of an earlier training whose weights it begins with.
    """

    key: str
    recipe: str
    overrides: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()
    start: str = ""


@dataclass(frozen=True)
class Original:
    """A figure that the study reported, and where ours is found.

    Attributes:
        what: Whose figure it is, in words.
        figure: The figure as it was reported, with its unit.
        table: Key of the table here.
        column: Key of the column here.
        as_built: Name of the row of what was built as the study did; empty if there is none.
        ours: Name of the row of what we would build; empty if there is none.
    """

    what: str
    figure: str
    table: str
    column: str
    as_built: str = ""
    ours: str = ""


@dataclass(frozen=True)
class Study:
    """A classic comparison, from start to finish.

    Attributes:
        name: What one types.
        title: Above its report.
        question: What it asks, in a sentence or two.
        trainings: What it trains, in this order.
        measure: Measures what was trained.
        quick: Changes to all recipes for ``--quick``: few steps on pictures made by code.
        data: What it trains on by default, in words.
        pictures: Names of the sets it is measured on, see `crispen.evaluate.pairs.find_data`; none
            where it is measured on pictures that were held out.
        originals: What the original reported.
        conclude: Sentences that depend on the figures, made from the tables by their keys.
        remarks: Honest sentences on what the original said, and why figures differ; true of any
            run of the study, whatever its length.
    """

    name: str
    title: str
    question: str
    trainings: tuple[Training, ...]
    measure: Callable[[Bench], Outcome]
    quick: tuple[str, ...] = ()
    data: str = ""
    pictures: tuple[str, ...] = ()
    originals: tuple[Original, ...] = ()
    conclude: Callable[[Mapping[str, ResultTable]], Sequence[str]] | None = None
    remarks: tuple[str, ...] = ()


def recipe_of(
    study: Study,
    training: Training,
    folder: Path,
    *,
    quick: bool = False,
    effort: float = 1.0,
    assignments: Sequence[str] = (),
) -> Recipe:
    """The checked recipe of one of a study's runs.

    Args:
        study: The study.
        training: The run.
        folder: Folder of the runs of the study.
        quick: With the changes for ``--quick``.
        effort: Factor of its steps; of the crops in an epoch or else of the epochs, where it counts
            those.
        assignments: The user's changes, after all others.

    Raises:
        UsageError: A change does not fit the recipe.
    """
    changes = [f"name={training.key}", *training.overrides]
    if quick:
        changes += [*study.quick, *training.quick]
    if training.start:
        # A TOML literal string: backslashes and all.
        changes.append(f"train.start='{folder / training.start / 'best.ckpt'}'")
    recipe = load_recipe(training.recipe, [*changes, *assignments])
    if effort == 1.0:
        return recipe
    if recipe.train.epochs and recipe.data.epoch:
        # What is measured after an epoch stays comparable: there is more in it.
        return recipe.model_copy(
            update={"data": _times(recipe.data, "epoch", effort)},
        )
    key = "epochs" if recipe.train.epochs else "steps"
    return recipe.model_copy(update={"train": _times(recipe.train, key, effort)})


def _times(table: T, key: str, factor: float) -> T:
    return table.model_copy(update={key: max(1, round(getattr(table, key) * factor))})
