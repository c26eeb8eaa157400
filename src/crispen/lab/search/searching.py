"""Trains a recipe again and again with other values, and keeps the best; continued when stopped.

The same search can run several times at once, on one machine or on all that see its folder: each
process trains other trials.

Optuna chooses the values (tree-structured Parzen estimator [1]_) and says which trials to stop.
The folder of a search::

    trial-000/ …    one run folder for each trial, see `crispen.lab.run_folder`
    journal.log     Optuna's record, from which the same search continues
    best.toml       the recipe of the best trial
    report.html     all of it on one page

.. [1] Bergstra et al., Algorithms for Hyper-Parameter Optimization, NeurIPS 2011.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial

from crispen.errors import InputError, MissingInput, TrainingError, UsageError
from crispen.evaluate.run_folders import read_run
from crispen.lab.learner import check_recipe
from crispen.lab.recipe import Recipe, recipe_text
from crispen.lab.run_folder import make_folder
from crispen.lab.search.holds import Holds
from crispen.lab.search.order import SearchOrder
from crispen.lab.search.outcome import BEST_RECIPE, REPORT, SearchOutcome, TrialOutcome, TrialState
from crispen.lab.search.pruning import Pruned, make_pruner
from crispen.lab.search.search_page import search_page
from crispen.lab.search.trials import Trials, trial_folder
from crispen.lab.training_job import TrainingJob
from crispen.media.atomic import write_whole
from crispen.progress import Progress

JOURNAL = "journal.log"
# What was searched; a folder is continued only with the same.
_ABOUT = "about"
# Tables that say what is measured; validation pictures are degraded as the recipe says.
_YARDSTICK = ("name", "task", "scale", "degradation", "validation", "paper")
# Keys of [data] that leave the held-out pictures as they are.
_HARMLESS = ("data.batch", "data.cache_mb", "data.memory", "data.workers")

# Trains the trials that are missing; yields after each, and perhaps more often.
Training = Callable[[Trials, SearchOrder, Progress], Generator[None]]


def search(
    order: SearchOrder, progress: Progress | None = None, train: Training | None = None
) -> SearchOutcome:
    """Trains the trials that are missing; writes the best recipe and the report.

    A trial that was interrupted continues from its last checkpoint. One whose training fails, or
    whose values do not fit each other, counts as failed, and the search goes on.

    Args:
        order: What to search.
        progress: Notified of trials and steps; cancelling it saves the trial and stops.
        train: Trains the trials; one after the other in this process unless given.

    Returns:
        All trials of the folder.

    Raises:
        UsageError: A range does not fit the recipe, or the folder holds another search.
        MissingInput: Pictures are not there.
        OutputError: Something cannot be written.
        Cancelled: It was cancelled; the same call continues.
    """
    progress = progress or Progress()
    recipe = _checked(order)
    make_folder(order.folder)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    holds = Holds(order.folder)
    with holds.whole():
        study = _study(order, recipe)
    try:
        with Progress(progress.emit).task("search", order.trials, "trials") as task:
            trials = Trials(study, order, holds)
            shown = trials.finished
            task.advance(shown)
            with closing((train or _one_after_the_other)(trials, order, progress)) as steps:
                for _ in steps:
                    if trials.finished > shown:
                        task.advance(trials.finished - shown)
                        shown = trials.finished
    finally:
        with holds.whole():
            holds.close()
            outcome = _outcome(study, order, recipe, holds)
            _write(outcome)
    return outcome


def _checked(order: SearchOrder) -> Recipe:
    """The recipe; both ends of each range and every choice have been tried with it."""
    for one in order.ranges:
        _check_comparable(order.resolved(), one.key)
        for example in one.examples():
            try:
                check_recipe(order.resolved(example))
            except (UsageError, MissingInput) as error:
                text = str(error)
                told = text if text.startswith("--set-range") else f"--set-range {example}: {text}"
                raise type(error)(told) from error
    return order.resolved()


def _check_comparable(recipe: Recipe, key: str) -> None:
    """Refuses what would change the yardstick from trial to trial."""
    table = key.partition(".")[0]
    if table in _YARDSTICK:
        raise UsageError(f"--set-range {key}: trials must be measured alike; use --set for it")
    if table == "loss" and recipe.validation.monitor == "loss":
        raise UsageError(
            f"--set-range {key}: losses with other weights cannot be compared; give another "
            "figure with --set validation.monitor=psnr"
        )
    redrawn = (table == "data" and key not in _HARMLESS) or key == "train.seed"
    if redrawn and not recipe.validation.path:
        raise UsageError(
            f"--set-range {key}: it changes the held-out pictures too; name pictures to measure on "
            "with --valid"
        )


def _study(order: SearchOrder, recipe: Recipe) -> optuna.Study:
    journal = order.folder / JOURNAL
    study = optuna.create_study(
        study_name="search",
        storage=JournalStorage(JournalFileBackend(str(journal))),
        pruner=make_pruner(order.pruner, recipe.train.validate_every),
        direction="maximize" if recipe.validation.larger_is_better else "minimize",
        load_if_exists=True,
    )
    about = {
        "recipe": recipe.model_dump(mode="json", exclude_none=True),
        "ranges": [str(r) for r in order.ranges],
    }
    before = study.user_attrs.setdefault(_ABOUT, about)
    if before != about:
        changed = "ranges differ" if before["recipe"] == about["recipe"] else "the recipe differs"
        raise UsageError(
            f"{journal}: holds another search ({changed}); repeat its command, or give another -o"
        )
    study.set_user_attr(_ABOUT, about)
    return study


def _one_after_the_other(trials: Trials, order: SearchOrder, progress: Progress) -> Generator[None]:
    """Trains in this process."""
    while (attempt := trials.next()) is not None:
        job = TrainingJob(
            attempt.recipe,
            attempt.folder,
            device=order.device,
            threads=order.threads,
            export=False,
            callbacks=[attempt.watch],
        )
        try:
            trained = job.run(progress)
        except Pruned:
            trials.pruned(attempt.trial)
        except (TrainingError, UsageError, InputError) as error:
            trials.failed(attempt.trial, error)
        else:
            trials.done(attempt.trial, trained.best[attempt.watch.monitor])
        yield


def _outcome(
    study: optuna.Study, order: SearchOrder, recipe: Recipe, holds: Holds
) -> SearchOutcome:
    trials = tuple(_told(trial, order.folder, holds) for trial in study.get_trials())
    outcome = SearchOutcome(order.folder, recipe, order.ranges, trials, None)
    if outcome.best is None:
        return outcome
    best = order.resolved(*(f"{k}={v}" for k, v in outcome.best.values.items()))
    return SearchOutcome(order.folder, recipe, order.ranges, trials, best)


def _told(trial: FrozenTrial, folder: Path, holds: Holds) -> TrialOutcome:
    states: dict[str, TrialState] = {"COMPLETE": "done", "PRUNED": "pruned", "FAIL": "failed"}
    state = states.get(trial.state.name)
    if state is None:
        state = "running" if holds.taken(trial.number) else "interrupted"
    place = trial_folder(folder, trial.number)
    try:
        run = read_run(place)
    except MissingInput:
        run = None
    return TrialOutcome(
        trial.number,
        state,
        dict(trial.params),
        trial.value if state in ("done", "pruned") else None,
        place,
        run,
        str(trial.user_attrs.get("error", "")),
    )


def _write(outcome: SearchOutcome) -> None:
    folder = outcome.folder
    if outcome.best_recipe is not None:
        write_whole(folder / BEST_RECIPE, recipe_text(outcome.best_recipe).encode())
    write_whole(folder / REPORT, search_page(outcome).encode())
