"""A study from start to finish: train what is missing, measure, write.

What is done is kept: a study that was stopped, in a training or between two, continues there.
The folder of a study::

    KEY/            one run folder for each training, see `crispen.lab.run_folder`
    tables/         each table as CSV
    pictures/       each picture
    results.json    everything that was found
    study.md        the same to read
    report.html     the same on one page that needs nothing else, with curves and recipes
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
    """How a study is done.

    Attributes:
        folder: Where everything goes.
        quick: The small version, on pictures made by code.
        data: What to train on instead of the study's own data; empty: that.
        sets: What to measure on instead of the study's own sets.
        assignments: Changes to every recipe, as ``--set`` takes them.
        effort: Factor of all steps.
        limit: Maximum number of pictures to measure on; 0 for all.
        device: What it trains on.
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
    """A study that was done.

    Attributes:
        study: Which.
        order: How.
        outcome: What was found.
        runs: What was trained, as it was left.
    """

    study: Study
    order: Order
    outcome: Outcome
    runs: tuple[Run, ...]


def conduct(study: Study, order: Order, progress: Progress | None = None) -> Conducted:
    """Trains what is missing and measures; writes nothing but the runs.

    Raises:
        UsageError: A recipe with these changes cannot work, or a run in the folder has another
            recipe.
        MissingInput: Pictures to train or to measure on are not there.
        Cancelled: It was cancelled; finished work is kept.
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
        # Missing pictures are reported before any time is spent.
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
            "--quick trains and measures on pictures made by code; leave --data and --valid out"
        )
    if not 0 < order.effort <= 1000:
        raise UsageError(f"--effort {order.effort:g}: a factor above 0, and at most 1000")
    given = [f"data.path='{order.data}'"] if order.data else []
    try:
        order.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{order.folder}: cannot be made: {error.strerror}; choose another folder with -o"
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
    """Whether a folder holds the finished run of exactly this recipe."""
    try:
        run = read_run(folder)
        kept = load_recipe(str(folder / "recipe.toml"))
    except CrispenError:
        return False
    done = run.status == "done" and (folder / BEST).is_file()
    return done and _lasting(kept) == _lasting(recipe)


def _lasting(recipe: Recipe) -> Recipe:
    """Without the steps that epochs came to."""
    if not recipe.train.epochs:
        return recipe
    return recipe.model_copy(update={"train": recipe.train.model_copy(update={"steps": 1})})
