"""What runs on a machine of a cluster: a process that trains one trial of a search at a time."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crispen.cluster.hello import Hello, hello, other_version
from crispen.errors import Cancelled, MissingInput
from crispen.lab.recipe import Recipe
from crispen.lab.search.pruning import Pruned
from crispen.lab.training_job import TrainingJob
from crispen.progress import Event, Progress

# Calls that can run at the same time: the training, and one that asks or tells.
CALLS = 2
# An actor can inherit them from the job of SLURM that started its Ray, and would then wait for the
# other processes of that job.
_RANKS = ("SLURM_NTASKS", "TORCHELASTIC_RUN_ID")


@dataclass(frozen=True, slots=True)
class TrialSetup:
    """What each worker of a search receives once.

    Attributes:
        version: Of the program that searches.
        journal: Optuna's record of the search, which all machines must see.
        current: Current folder of the program, to which paths of the recipe can be relative.
        command: What was typed, for the run folders.
        device: What the trials train on.
        threads: CPU threads of each.
    """

    version: str
    journal: Path
    current: Path
    command: tuple[str, ...]
    device: str
    threads: int


@dataclass(frozen=True, slots=True)
class Validation:
    """A validation of a trial, which waits until it is told whether to go on.

    Attributes:
        step: Steps done.
        steps: Steps in all.
        value: The figure that the search is about.
    """

    step: int
    steps: int
    value: float


@dataclass(frozen=True, slots=True)
class Look:
    """How far a trial is.

    Attributes:
        node: The machine's name for people.
        step: Steps done.
        steps: Steps in all; None before the first.
        validation: One that waits for an answer.
    """

    node: str
    step: int
    steps: float | None
    validation: Validation | None


@dataclass(frozen=True, slots=True)
class Trained:
    """How a training ended that did not fail.

    Attributes:
        best: Best figure in validation; None if it was stopped before its end.
        pruned: It was stopped since others are better.
    """

    best: float | None
    pruned: bool = False


class TrialWorker:
    """An actor, once Ray has made it one; it must allow `CALLS` calls at the same time.

    Args:
        setup: What it is made with.
    """

    def __init__(self, setup: TrialSetup) -> None:
        self._setup = setup
        self._refusal = _refusal(setup)
        if not self._refusal:
            os.chdir(setup.current)
        sys.argv = [*setup.command]
        for name in _RANKS:
            os.environ.pop(name, None)
        self._progress = Progress()
        self._event: Event | None = None
        self._watch: _Watch | None = None

    def hello(self) -> Hello:
        """Where it is, and whether it can work."""
        return hello(self._refusal)

    def train(self, recipe: Recipe, folder: Path) -> Trained:
        """Train a trial, from its last checkpoint if there is one.

        Args:
            recipe: The recipe.
            folder: Its run folder.

        Raises:
            TrainingError: It has failed.
            UsageError: Its values do not fit each other.
            MissingInput: This machine does not see a file.
            InputError: Its pictures cannot be read.
        """
        self._event = None
        self._progress = Progress(self._hear)
        self._watch = watch = _Watch(recipe.validation.monitor)
        job = TrainingJob(
            recipe,
            folder,
            device=self._setup.device,
            threads=self._setup.threads,
            export=False,
            callbacks=[watch],
        )
        try:
            trained = job.run(self._progress)
        except Pruned:
            return Trained(None, pruned=True)
        except Cancelled:
            return Trained(None)
        except MissingInput as error:
            where = f"on {self.hello().name}, of a cluster whose machines must all see it"
            raise MissingInput(f"{error} ({where})") from None
        return Trained(trained.best[watch.monitor])

    def _hear(self, event: Event) -> None:
        if event.unit == "steps":
            self._event = event

    def look(self, *, stop: bool) -> Look:
        """How far the trial is.

        Args:
            stop: Have it save a checkpoint and end.
        """
        if stop:
            self._progress.cancel()
        event, watch = self._event, self._watch
        waiting = watch.waiting if watch else None
        if event is None:
            return Look(self.hello().name, 0, None, waiting)
        return Look(self.hello().name, int(event.done), event.total, waiting)

    def answer(self, step: int, *, prune: bool) -> None:
        """Answer a validation.

        Args:
            step: The step at which it was.
            prune: Stop the trial.
        """
        if self._watch:
            self._watch.answer(step, prune=prune)


class _Watch:
    """A callback of a training that waits after each validation until it is told to go on."""

    def __init__(self, monitor: str) -> None:
        self.monitor = monitor
        self.waiting: Validation | None = None
        self._answered = threading.Event()
        self._prune = False

    def on_validation_end(self, step: int, steps: int, figures: Mapping[str, float]) -> None:
        """See `crispen.lab.callbacks.Keeper.after_step`; raises `Pruned`."""
        self._answered.clear()
        self.waiting = Validation(step, steps, figures[self.monitor])
        self._answered.wait()
        if self._prune:
            raise Pruned(f"pruned at step {step}")

    def answer(self, step: int, *, prune: bool) -> None:
        if self.waiting is not None and self.waiting.step == step:
            self._prune = prune
            self.waiting = None
            self._answered.set()


def _refusal(setup: TrialSetup) -> str:
    """Why this machine cannot work for the search; empty if it can."""
    if refusal := other_version(setup.version):
        return refusal
    if not setup.journal.is_file():
        return f"does not see {setup.journal.parent}; use a folder that all machines share"
    if not setup.current.is_dir():
        return (
            f"does not see {setup.current}, where the search was started; start it in a folder "
            "that all machines share"
        )
    return ""
