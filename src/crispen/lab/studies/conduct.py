"""Runs a study: trains the networks that are not trained yet, and measures.

A study that was stopped, during a training run or between two, continues where it stopped.
The folder of a study::

    KEY/            a run folder for each training, see `crispen.lab.run_folder`
    tables/         each table as CSV
    pictures/       each picture
    results.json    all results
    study.md        the results as Markdown
    report.html     the results, curves and recipes as one self-contained page
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from crispen.errors import CrispenError, OutputError, UsageError
from crispen.evaluate.run_folders import Run, read_run
from crispen.lab.checkpoint import BEST
from crispen.lab.recipe import Recipe, load_recipe
from crispen.lab.studies.bench import Bench
from crispen.lab.studies.outcome import Outcome
from crispen.lab.studies.study import Study, recipe_of
from crispen.lab.training_job import TrainingJob
from crispen.progress import Progress


@dataclass(frozen=True)
class Order:
    """Options of a study's run.

    Attributes:
        folder: Folder of the study; created if it does not exist.
        quick: Run the quick version, on generated pictures.
        data: Folder of training pictures; empty for the study's own data.
        sets: Folders or names of test sets; empty for the study's own.
        assignments: Changes to every recipe, as ``--set`` takes them.
        effort: Factor of the number of steps, in (0, 1000].
        limit: Maximum number of test pictures; 0 for all.
        device: Device for training, such as ``auto``, ``cpu`` or ``cuda:1``.
        threads: Maximum number of CPU threads.
        resume: None: continue existing runs; False: move them aside and start over.
    """

    folder: Path
    quick: bool = False
    data: str = ""
    sets: Sequence[str] = ()
    assignments: Sequence[str] = ()
    effort: float = 1.0
    limit: int = 0
    device: str = "auto"
    threads: int | None = None
    resume: bool | None = None


@dataclass(frozen=True)
class Conducted:
    """A finished study.

    Attributes:
        study: The study.
        order: Its options.
        outcome: Its tables and pictures.
        runs: Its training runs, in order.
    """

    study: Study
    order: Order
    outcome: Outcome
    runs: tuple[Run, ...]


def conduct(study: Study, order: Order, progress: Progress | None = None) -> Conducted:
    """Trains the runs that are not finished and measures; writes only the run folders.

    Args:
        study: The study.
        order: Its options.
        progress: Receives progress events.

    Raises:
        UsageError: An override does not fit a recipe, or a run in the folder has another recipe.
        MissingInput: Training or test pictures do not exist.
        OutputError: The folder cannot be created.
        Cancelled: The study was cancelled; finished work is kept.
    """
    progress = progress or Progress()
    recipes = _recipes(study, order)
    bench = Bench(
        order.folder,
        recipes,
        quick=order.quick,
        sets=tuple(order.sets) or study.pictures,
        limit=order.limit,
        progress=progress,
    )
    if study.pictures:
        # Reports missing pictures before any training.
        _ = bench.targets
    _set_threads(order.threads)
    runs = []
    for key, recipe in recipes.items():
        folder = order.folder / key
        if order.resume is False or not is_finished(folder, recipe):
            TrainingJob(
                recipe,
                folder,
                device=order.device,
                threads=order.threads,
                resume=order.resume,
                export=False,
            ).run(progress)
        runs.append(read_run(folder, id=key))
    outcome = study.measure(bench)
    progress.check()
    return Conducted(study, order, outcome, tuple(runs))


def _recipes(study: Study, order: Order) -> dict[str, Recipe]:
    if order.quick and (order.data or order.sets):
        raise UsageError(
            "--quick trains and measures on generated pictures; leave --data and --valid out"
        )
    if not 0 < order.effort <= 1000:
        raise UsageError(f"--effort {order.effort:g}: must be above 0 and at most 1000")
    given = [f"data.path='{order.data}'"] if order.data else []
    try:
        order.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{order.folder}: cannot be created: {error.strerror}; choose another folder with -o"
        ) from error
    return {
        training.key: recipe_of(
            study,
            training,
            order.folder,
            quick=order.quick,
            effort=order.effort,
            assignments=[*given, *order.assignments],
        )
        for training in study.trainings
    }


def _set_threads(threads: int | None) -> None:
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


def is_finished(folder: Path, recipe: Recipe) -> bool:
    """Whether a folder contains a finished run with exactly this recipe."""
    try:
        run = read_run(folder)
        kept = load_recipe(str(folder / "recipe.toml"))
    except CrispenError:
        return False
    done = run.status == "done" and (folder / BEST).is_file()
    return done and _lasting(kept) == _lasting(recipe)


def _lasting(recipe: Recipe) -> Recipe:
    """The recipe without `train.steps` if it counts epochs, from which the steps are computed."""
    if not recipe.train.epochs:
        return recipe
    return recipe.model_copy(update={"train": recipe.train.model_copy(update={"steps": 1})})
