"""Which models, in which order, bring a picture to its size."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from pathlib import Path

from crispen.enhance.model import Model, load
from crispen.errors import UsageError
from crispen.models.store import list_cards

DEFAULT_FAMILY = "photo"

# A result at most so much larger than what the chain gives is enlarged that little at the end:
# 667 pixels out of 333 are to be x2, not x3 and down again.
_SLACK = 1.01
_LONGEST = 4
_MEMBER = re.compile(r"^(?P<family>.+)-x(?P<scale>\d+)$")


class Family:
    """Models of one kind that differ in scale, such as ``photo-x2``, ``-x3``, ``-x4``."""

    def __init__(self, name: str, members: Sequence[Model]) -> None:
        self.name = name
        self.members = tuple(members)

    def chain(self, factor: float) -> list[Model]:
        """The cheapest members in a row that enlarge at least `factor` times.

        Smaller scales come first, since a step costs what its input has pixels: x6 is
        x2, then x3. No member at all where nothing is to be enlarged.

        Raises:
            UsageError: More than four in a row would be needed.
        """
        if factor <= _SLACK:
            return []
        best: tuple[float, int, tuple[Model, ...]] | None = None
        for length in range(1, _LONGEST + 1):
            for row in itertools.product(self.members, repeat=length):
                product = math.prod(model.card.scale for model in row)
                if product * _SLACK < factor:
                    continue
                cost = _cost(row)
                if best is None or (cost, product) < best[:2]:
                    best = (cost, product, row)
        if best is None:
            most = max(model.card.scale for model in self.members) ** _LONGEST
            raise UsageError(
                f"{factor:g} times larger is more than {self.name} can do; ask for {most} at most"
            )
        return list(best[2])


def _cost(row: Sequence[Model]) -> float:
    cost, pixels = 0.0, 1.0
    for model in row:
        cost += pixels * max(1, model.card.parameters)
        pixels *= model.card.scale**2
    return cost


class Plan:
    """What the person asked for, models and families in order.

    Args:
        wanted: Names, paths or models; None for the default family.
        device: See `model.load`.
        threads: See `model.load`.

    Raises:
        ModelError: A name that is not known.
        UsageError: More than one family.
    """

    def __init__(
        self,
        wanted: Sequence[str | Path | Model] | None,
        *,
        device: str = "auto",
        threads: int | None = None,
    ) -> None:
        self._device = device
        self._threads = threads
        self._enlarger: Family | None = None
        asked: Sequence[str | Path | Model] = wanted or [DEFAULT_FAMILY]
        self.steps = [self._step(entry) for entry in asked]
        families = [step.name for step in self.steps if isinstance(step, Family)]
        if len(families) > 1:
            raise UsageError(
                f"{' and '.join(families)} both choose their scale by the size of the result; "
                f"name the scale of all but one, as in {families[0]}-x2"
            )

    def _step(self, entry: str | Path | Model) -> Model | Family:
        if isinstance(entry, Model):
            return entry
        if isinstance(entry, str):
            family = self._family(entry)
            if family is not None:
                return family
        return load(entry, device=self._device, threads=self._threads)

    def _family(self, name: str) -> Family | None:
        members = []
        for path, card in list_cards():
            match = _MEMBER.match(card.name)
            if card.name == name:
                return None
            if match is not None and match["family"] == name:
                members.append(Model(path, card, device=self._device, threads=self._threads))
        return Family(name, members) if members else None

    @property
    def default_scale(self) -> int:
        """How much larger a result is if nothing was asked: 2, or what the named models give."""
        fixed = math.prod(step.card.scale for step in self.steps if isinstance(step, Model))
        return fixed * (2 if any(isinstance(step, Family) for step in self.steps) else 1)

    def chain(self, factor: float) -> list[Model]:
        """The models to run, in order, for a result `factor` times as large.

        Named models always run. A family adds what is missing; without one the last model that
        enlarges is repeated, and where none does the default family follows.
        """
        fixed = math.prod(step.card.scale for step in self.steps if isinstance(step, Model))
        row: list[Model] = []
        for step in self.steps:
            row.extend([step] if isinstance(step, Model) else step.chain(factor / fixed))
        reached = math.prod(model.card.scale for model in row)
        if reached * _SLACK >= factor:
            return row
        larger = [model for model in row if model.card.scale > 1]
        if larger:
            return row + Family(larger[-1].card.name, larger[-1:]).chain(factor / reached)
        if self._enlarger is None:
            self._enlarger = self._family(DEFAULT_FAMILY)
        if self._enlarger is None:
            raise UsageError("none of the models enlarges; add one that does with --model")
        return row + self._enlarger.chain(factor / reached)

    def close(self) -> None:
        """Give engines back."""
        extra = [self._enlarger] if self._enlarger is not None else []
        for step in [*self.steps, *extra]:
            for model in [step] if isinstance(step, Model) else step.members:
                model.close()
