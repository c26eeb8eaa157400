"""Stops a trial whose validations are worse than those of earlier trials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from optuna.pruners import BasePruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.trial import Trial

from crispen.errors import Cancelled

Pruning = Literal["median", "halving", "none"]


class Pruned(Cancelled):
    """A trial was not worth continuing; its run is stopped and could be continued."""


class PruneTrial:
    """A Lightning callback that reports each validation to Optuna and stops hopeless trials.

    Args:
        trial: The trial being trained.
        monitor: Name of the figure that the search is about, such as ``psnr``.
        reported: Steps that were reported before, if the trial was interrupted.
    """

    def __init__(self, trial: Trial, monitor: str, reported: frozenset[int] = frozenset()) -> None:
        self.trial = trial
        self.monitor = monitor
        self._reported = set(reported)

    def on_validation_end(self, step: int, steps: int, figures: Mapping[str, float]) -> None:
        """Reports a validation.

        Args:
            step: Steps done.
            steps: Steps in all; a trial that has done them is complete, not pruned.
            figures: What was measured.

        Raises:
            Pruned: Earlier trials were better at this step.
        """
        if step not in self._reported:
            self.trial.report(figures[self.monitor], step)
            self._reported.add(step)
        if step < steps and self.trial.should_prune():
            raise Pruned(f"pruned at step {step}")


def make_pruner(name: Pruning, validate_every: int) -> BasePruner:
    """What decides when a trial is stopped.

    Args:
        name: ``median``: it is worse than the median of the trials before at the same step, from
            the sixth trial on; ``halving``: successive halving, where at one, four, sixteen …
            times `validate_every` only the best quarter continues; ``none``: never.
        validate_every: Steps between validations.
    """
    match name:
        case "median":
            return MedianPruner()
        case "halving":
            return SuccessiveHalvingPruner(min_resource=validate_every)
        case "none":
            return NopPruner()
