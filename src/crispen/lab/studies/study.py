"""The definition of a study: its question, its training runs, and its measurement.

Each study is a `Study` in a file of its own. `crispen.lab.studies.conduct` trains and measures it,
and `crispen.lab.studies.writing` and `study_page` write the results.
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
    """A training run of a study.

    Attributes:
        key: Name of the run and of its folder; letters, digits and dashes, as in a recipe's name.
        recipe: Name of a recipe that comes with Crispen.
        overrides: Changes to the recipe, in the syntax of ``--set``.
        quick: Further changes for ``--quick``, applied after those of the study.
        start: Key of an earlier run from whose weights this one starts; empty for none.
    """

    key: str
    recipe: str
    overrides: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()
    start: str = ""


@dataclass(frozen=True)
class Original:
    """A figure that the original study reported, and where to find the corresponding ones here.

    Attributes:
        what: What was measured, for instance the network and the metric.
        figure: The reported figure with its unit.
        table: Key of the table with the corresponding figures.
        column: Key of its column.
        as_built: Row of the network as built in the original study; empty if there is none.
        ours: Row of our network; empty if there is none.
    """

    what: str
    figure: str
    table: str
    column: str
    as_built: str = ""
    ours: str = ""


@dataclass(frozen=True)
class Study:
    """A comparison of networks and other methods: training, measurement and texts.

    Attributes:
        name: Name on the command line.
        title: Title of its report.
        question: The question it answers, in one or two sentences.
        trainings: Its training runs, in order.
        measure: Measures the trained networks.
        quick: Changes to all recipes for ``--quick``: few steps on generated pictures.
        data: Description of the training data.
        pictures: Names of its test sets, see `crispen.evaluate.pairs.find_data`; empty if it is
            measured on held-out training pictures.
        originals: Figures that the original study reported.
        conclude: Returns sentences that depend on the figures, from the tables by their keys.
        remarks: Sentences on the original study and on why figures differ; they must be true of
            every run of the study, whatever its length.
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
    """The validated recipe of a training run.

    Args:
        study: The study.
        training: The training run.
        folder: Folder of the study.
        quick: Whether to apply the changes for ``--quick``.
        effort: Factor of the number of steps. If the recipe counts epochs: factor of the crops in
            an epoch if their number is given, otherwise of the number of epochs.
        assignments: The user's changes in the syntax of ``--set``, applied last.

    Raises:
        UsageError: A change does not fit the recipe.
    """
    changes = [f"name={training.key}", *training.overrides]
    if quick:
        changes += [*study.quick, *training.quick]
    if training.start:
        # A TOML literal string, in which backslashes are not escapes.
        changes.append(f"train.start='{folder / training.start / 'best.ckpt'}'")
    recipe = load_recipe(training.recipe, [*changes, *assignments])
    if effort == 1.0:
        return recipe
    if recipe.train.epochs and recipe.data.epoch:
        # The epochs that the study measures stay the same; each of them is longer.
        return recipe.model_copy(
            update={"data": _times(recipe.data, "epoch", effort)},
        )
    key = "epochs" if recipe.train.epochs else "steps"
    return recipe.model_copy(update={"train": _times(recipe.train, key, effort)})


def _times(table: T, key: str, factor: float) -> T:
    return table.model_copy(update={key: max(1, round(getattr(table, key) * factor))})
