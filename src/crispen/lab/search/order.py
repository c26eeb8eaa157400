"""What a search is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from crispen.errors import UsageError
from crispen.lab.recipe import Recipe, load_recipe
from crispen.lab.search.pruning import Pruning
from crispen.lab.search.ranges import Range


@dataclass(frozen=True)
class SearchOrder:
    """What to search, and how.

    Attributes:
        recipe: A recipe's name or file.
        ranges: What to change; see `parse_ranges`.
        folder: Where everything goes.
        assignments: Changes that all trials share, as ``--set`` takes them.
        trials: Trials in all, with those already in the folder.
        pruner: See `make_pruner`.
        seed: Of the choice of values; weights and crops have the recipe's.
        device: What the trials train on.
        threads: Maximum number of CPU threads.
    """

    recipe: str
    ranges: tuple[Range, ...]
    folder: Path
    assignments: Sequence[str] = ()
    trials: int = 20
    pruner: Pruning = "median"
    seed: int = 0
    device: str = "auto"
    threads: int | None = None

    def resolved(self, *values: str) -> Recipe:
        """The recipe with these values of the ranges, as ``key=value``.

        Raises:
            UsageError: A key or value does not fit; names ``--set-range`` if that is at fault.
        """
        base = load_recipe(self.recipe, self.assignments)
        if not values:
            return base
        try:
            return load_recipe(self.recipe, [*self.assignments, *values])
        except UsageError as error:
            text = str(error)
            changed = text.startswith("--set")
            told = f"--set-range{text.removeprefix('--set')}" if changed else text
            raise UsageError(told) from error
