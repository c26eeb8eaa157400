"""The trials of a search: which is next, and what Optuna hears of the result."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from optuna.samplers import TPESampler
from optuna.trial import Trial
from optuna.trial import TrialState as States

from crispen.errors import InputError, MissingInput, TrainingError, UsageError
from crispen.lab.recipe import Recipe
from crispen.lab.search.holds import Holds
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

    Other processes may train others of them meanwhile.

    Args:
        study: Optuna's record.
        order: What is searched.
        holds: Who trains which.
    """

    def __init__(self, study: optuna.Study, order: SearchOrder, holds: Holds) -> None:
        self._study = study
        self._order = order
        self._holds = holds
        self._under_way = 0
        self._all_begun = False

    @property
    def finished(self) -> int:
        """How many have come to their end, whatever it was and whoever trained them."""
        return finished(self._study)

    @property
    def left(self) -> int:
        """How many are to be begun, at most: other processes may begin some."""
        if self._all_begun:
            return 0
        return max(0, self._order.trials - self.finished - self._under_way)

    def next(self) -> Attempt | None:
        """The next: one that was interrupted, else a new one; None if all are begun.

        Raises:
            UsageError: Its values do not fit each other, and nothing that fits was found before.
            OutputError: See `Holds.whole`.
        """
        order = self._order
        while not self._all_begun:
            with self._holds.whole():
                drawn = self._drawn()
                if drawn is None:
                    self._all_begun = True
                    break
                trial, reported = drawn
                self._under_way += 1
                try:
                    recipe = order.resolved(*(one.suggest(trial) for one in order.ranges))
                except UsageError as error:
                    self.failed(trial, error)
                    continue
            watch = PruneTrial(trial, recipe.validation.monitor, reported)
            return Attempt(recipe, trial_folder(order.folder, trial.number), watch, trial)
        return None

    def _drawn(self) -> tuple[Trial, frozenset[int]] | None:
        """A trial that is this process's now, and the steps that it reported before."""
        begun = self._study.get_trials(deepcopy=False)
        for before in begun:
            if before.state == States.RUNNING and self._holds.take(before.number):
                self._seed(before.number)
                reported = frozenset(before.intermediate_values)
                return Trial(self._study, before._trial_id), reported
        if len(begun) >= self._order.trials:
            return None
        self._seed(len(begun))
        trial = self._study.ask()
        self._holds.take(trial.number)
        return trial, frozenset()

    def _seed(self, number: int) -> None:
        """Draw the values of each trial alike, whoever draws them, and those of each otherwise."""
        self._study.sampler = TPESampler(seed=self._order.seed + number)

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
        with self._holds.whole():
            self._study.tell(trial, value, state)
            self._holds.free(trial.number)
        self._under_way -= 1


def finished(study: optuna.Study) -> int:
    """How many trials have come to their end, whatever it was."""
    return sum(trial.state.is_finished() for trial in study.get_trials(deepcopy=False))


def trial_folder(folder: Path, number: int) -> Path:
    """The run folder of a trial of the search in `folder`."""
    return folder / f"trial-{number:03d}"
