"""The learning rate schedule, and early stopping."""

from __future__ import annotations

import math
from dataclasses import dataclass

from crispen.lab.train_table import Train


def rate_factor(step: int, train: Train, *, cut: float = 1.0) -> float:
    """The factor of the peak learning rate in a step.

    Args:
        step: Index of the step, from 0.
        train: The recipe's ``[train]`` table.
        cut: Factor reached by the ``plateau`` schedule.

    >>> rate_factor(0, Train(steps=100, warmup=10, decay=0.5)) == 0.1
    True
    """
    warm = min(1.0, (step + 1) / max(1, train.warmup))
    match train.schedule:
        case "wsd":
            tail = max(1.0, train.decay * train.steps)
            return warm * min(1.0, (train.steps - step) / tail)
        case "cosine":
            length = max(1, train.steps - train.warmup)
            done = min(1.0, max(0, step - train.warmup) / length)
            return warm * 0.5 * (1.0 + math.cos(math.pi * done))
        case "plateau":
            return warm * cut
        case "constant":
            return warm


@dataclass
class Judge:
    """Tracks the best validation, early stopping and cuts of the ``plateau`` schedule.

    Attributes:
        best: The best value; None before the first validation.
        step: Step of the best value.
        waited: Number of validations since then.
        slowed: Number of validations since then or since the last cut.
        cut: Current factor of the learning rate; see `rate_factor`.
    """

    best: float | None = None
    step: int = 0
    waited: int = 0
    slowed: int = 0
    cut: float = 1.0

    def hear(self, value: float, step: int, train: Train, *, larger: bool) -> bool:
        """Records a validation and returns whether it is the best; may cut the learning rate.

        Args:
            value: The monitored metric.
            step: Step of the validation.
            train: The recipe's ``[train]`` table.
            larger: Whether larger values are better.
        """
        better = self.best is None or (value > self.best if larger else value < self.best)
        if better:
            self.best, self.step, self.waited, self.slowed = value, step, 0, 0
            return True
        self.waited += 1
        self.slowed += 1
        if self.slowed >= train.plateau_patience:
            self.cut, self.slowed = self.cut * train.plateau_factor, 0
        return False

    def enough(self, train: Train) -> bool:
        """Whether the run should stop early."""
        return 0 < train.patience <= self.waited
