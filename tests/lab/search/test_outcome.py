"""Which trial is the best."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from crispen.lab.recipe import Recipe
from crispen.lab.search.outcome import SearchOutcome, TrialOutcome, TrialState
from crispen.lab.search.ranges import parse_ranges

Make = Callable[..., Recipe]


def outcome(recipe: Recipe, *trials: tuple[TrialState, float | None]) -> SearchOutcome:
    return SearchOutcome(
        Path("s"),
        recipe,
        parse_ranges(["train.learning_rate=1e-4..1e-2"]),
        tuple(
            TrialOutcome(i, state, {"train.learning_rate": 1e-3}, value, Path(f"s/trial-{i:03d}"))
            for i, (state, value) in enumerate(trials)
        ),
        None,
    )


@pytest.mark.parametrize(("monitor", "best"), [("psnr", 2), ("mse", 0)])
def test_only_a_complete_trial_is_the_best(recipe: Make, monitor: str, best: int) -> None:
    made = recipe("upscale", f"validation.monitor={monitor}")
    found = outcome(
        made, ("done", 1.0), ("pruned", 9.0), ("done", 3.0), ("failed", None), ("pruned", 0.5)
    )
    assert found.best is not None
    assert found.best.number == best
    order = [trial.number for trial in found.ranked()]
    assert order == ([2, 0, 1, 4, 3] if monitor == "psnr" else [0, 2, 4, 1, 3])
    facts = found.facts()
    assert facts["monitor"] == monitor
    assert facts["best"]["recipe"] == str(Path("s/best.toml"))
    assert [t["state"] for t in facts["trials"]][3] == "failed"


def test_without_a_complete_trial_there_is_no_best(recipe: Make) -> None:
    found = outcome(recipe("upscale"), ("interrupted", None), ("pruned", 2.0))
    assert found.best is None
    assert found.facts()["best"] is None
