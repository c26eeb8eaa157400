"""Which trials are stopped, and when."""

from __future__ import annotations

import optuna
import pytest

from crispen.lab.search.pruning import Pruned, PruneTrial, Pruning, make_pruner


def followed(pruner: Pruning, *curves: list[float]) -> list[int]:
    """The steps that each trial came to, where validation at 10, 20 … gave these figures."""
    study = optuna.create_study(direction="maximize", pruner=make_pruner(pruner, 10))
    ends = []
    for curve in curves:
        trial = study.ask()
        callback = PruneTrial(trial, "psnr")
        try:
            for i, value in enumerate(curve, 1):
                step = 10 * i
                callback.on_validation_end(step, 10 * len(curve), {"psnr": value, "ssim": -value})
        except Pruned:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, curve[-1])
        ends.append(step)
    return ends


def test_the_median_of_five_decides_about_the_sixth() -> None:
    five = [[float(i), float(i)] for i in range(5)]
    # The median is 2: worse is stopped at the first validation.
    assert followed("median", *five, [1.9, 9.0], [2.1, 9.0]) == [20] * 5 + [10, 20]


def test_halving_keeps_the_best_at_the_first_rung() -> None:
    assert followed("halving", [5.0, 5.0], [4.0, 9.0], [6.0, 6.0]) == [20, 10, 20]


def test_none_stops_no_trial() -> None:
    assert followed("none", *[[9.0, 9.0]] * 6, [0.0, 0.0]) == [20] * 7


def test_a_step_that_was_reported_before_is_not_again(recwarn: pytest.WarningsRecorder) -> None:
    study = optuna.create_study()
    trial = study.ask()
    PruneTrial(trial, "mse").on_validation_end(10, 30, {"mse": 1.0})
    known = frozenset(study.trials[0].intermediate_values)
    again = PruneTrial(trial, "mse", known)
    again.on_validation_end(10, 30, {"mse": 2.0})
    again.on_validation_end(20, 30, {"mse": 3.0})
    assert study.trials[0].intermediate_values == {10: 1.0, 20: 3.0}
    assert not recwarn.list
