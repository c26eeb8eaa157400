"""The trials of a search: which is next, and what Optuna hears of the result."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from optuna.trial import Trial
from optuna.trial import TrialState as States

from crispen.errors import InputError, MissingInput, TrainingError, UsageError
from crispen.lab.recipe import Recipe
from crispen.lab.search.order import SearchOrder
from crispen.lab.search.pruning import PruneTrial

if TYPE_CHECKING:
    import optuna


@dataclass(eq=False)
class Attempt:
    """A trial to train.

    Attributes:
        recipe: With the values of the trial.
        folder: Its run folder, in which there can be a checkpoint of it.
        watch: Is told of its validations, and prunes it.
        trial: Optuna's.
    """

    recipe: Recipe
    folder: Path
    watch: PruneTrial
    trial: Trial = field(repr=False)

    @property
    def number(self) -> int:
        """Counted from 0."""
        return self.trial.number


class Trials:
    """Trials that a search still has to train, and the results.

    Args:
        study: Optuna's record.
        order: What is searched.
    """

    def __init__(self, study: optuna.Study, order: SearchOrder) -> None:
        self._study = study
        self._order = order
        self._interrupted = deque(study.get_trials(states=(States.RUNNING,)))
        self._under_way = 0

    @property
    def finished(self) -> int:
        """How many have come to their end, whatever it was."""
        return finished(self._study)

    @property
    def left(self) -> int:
        """How many are to be begun."""
        return max(0, self._order.trials - self.finished - self._under_way)

    def next(self) -> Attempt | None:
        """The next: one that was interrupted, else a new one; None if there are enough.

        Raises:
            UsageError: Its values do not fit each other, and nothing that fits was found before.
        """
        while self.left:
            self._under_way += 1
            trial, reported = self._drawn()
            order = self._order
            try:
                recipe = order.resolved(*(one.suggest(trial) for one in order.ranges))
            except UsageError as error:
                self.failed(trial, error)
                continue
            watch = PruneTrial(trial, recipe.validation.monitor, reported)
            return Attempt(recipe, trial_folder(order.folder, trial.number), watch, trial)
        return None

    def _drawn(self) -> tuple[Trial, frozenset[int]]:
        """A trial, and the steps that it reported before it was interrupted."""
        if not self._interrupted:
            return self._study.ask(), frozenset()
        before = self._interrupted.popleft()
        return Trial(self._study, before._trial_id), frozenset(before.intermediate_values)

    def done(self, trial: Trial, value: float) -> None:
        """Record that one was trained to its end.

        Args:
            trial: Which.
            value: Its best figure in validation.
        """
        self._tell(trial, States.COMPLETE, value)

    def pruned(self, trial: Trial) -> None:
        """Record that one was stopped since others were better."""
        self._tell(trial, States.PRUNED)

    def failed(self, trial: Trial, error: TrainingError | UsageError | InputError) -> None:
        """Record that one has failed.

        Args:
            trial: Which.
            error: Why.

        Raises:
            MissingInput: Raised again: it would stop every trial, and this one is continued when
                the file is there.
            UsageError: Raised again: nothing that fits was found before.
            InputError: The same.
        """
        if isinstance(error, MissingInput):
            raise error
        trial.set_user_attr("error", str(error))
        self._tell(trial, States.FAIL)
        # Values that do not fit each other are a result; a search in which nothing fits is not.
        trained = (States.COMPLETE, States.PRUNED)
        if not isinstance(error, TrainingError) and not self._study.get_trials(states=trained):
            raise error

    def _tell(self, trial: Trial, state: States, value: float | None = None) -> None:
        self._study.tell(trial, value, state)
        self._under_way -= 1


def finished(study: optuna.Study) -> int:
    """How many trials have come to their end, whatever it was."""
    return sum(trial.state.is_finished() for trial in study.get_trials(deepcopy=False))


def trial_folder(folder: Path, number: int) -> Path:
    """The run folder of a trial of the search in `folder`."""
    return folder / f"trial-{number:03d}"
