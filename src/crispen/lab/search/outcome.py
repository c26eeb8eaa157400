"""What a search has found so far: its trials, and the best of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from crispen.evaluate.run_folders import Run
from crispen.lab.recipe import Recipe
from crispen.lab.search.ranges import Range

TrialState = Literal["done", "pruned", "failed", "running", "interrupted"]
BEST_RECIPE = "best.toml"
REPORT = "report.html"


@dataclass(frozen=True)
class TrialOutcome:
    """One trial.

    Attributes:
        number: Counted from 0.
        state: ``running``: another process is training it; ``interrupted``: the same search
            continues it.
        values: What was tried, by the recipe's key; choices as written.
        value: Its best figure in validation; None if it was never measured or has failed.
        folder: Its run.
        run: The same, read; None if it failed before its first step.
        error: Why it failed, if it did.
    """

    number: int
    state: TrialState
    values: Mapping[str, float | str]
    value: float | None
    folder: Path
    run: Run | None = None
    error: str = ""

    def facts(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "number": self.number,
            "state": self.state,
            "values": dict(self.values),
            "value": self.value,
            "step": self.run.step if self.run else 0,
            "folder": str(self.folder),
            "error": self.error,
        }


@dataclass(frozen=True)
class SearchOutcome:
    """A search, finished or not.

    Attributes:
        folder: Where everything is.
        recipe: The recipe whose values are changed.
        ranges: What is changed.
        trials: By number.
        best_recipe: Recipe of the best trial that was trained to its end; None before the first.
    """

    folder: Path
    recipe: Recipe
    ranges: tuple[Range, ...]
    trials: tuple[TrialOutcome, ...]
    best_recipe: Recipe | None

    @property
    def monitor(self) -> str:
        """The figure that decides: ``validation.monitor`` of the recipe."""
        return self.recipe.validation.monitor

    def ranked(self) -> list[TrialOutcome]:
        """Complete trials, best first, then pruned ones, then those without a value."""
        sign = -1 if self.recipe.validation.larger_is_better else 1

        def rank(trial: TrialOutcome) -> tuple[bool, bool, float, int]:
            value = 0.0 if trial.value is None else sign * trial.value
            return trial.state != "done", trial.value is None, value, trial.number

        return sorted(self.trials, key=rank)

    @property
    def best(self) -> TrialOutcome | None:
        """The best trial that was trained to its end, if there is one."""
        return next((t for t in self.ranked() if t.state == "done"), None)

    def facts(self) -> dict[str, Any]:
        """As JSON values."""
        best = self.best
        return {
            "folder": str(self.folder),
            "report": str(self.folder / REPORT),
            "monitor": self.monitor,
            "ranges": [str(r) for r in self.ranges],
            "best": best.facts() | {"recipe": str(self.folder / BEST_RECIPE)} if best else None,
            "trials": [trial.facts() for trial in self.trials],
        }
