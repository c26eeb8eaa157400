"""Chooses the models that enlarge a picture to its size, and their order."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence

from crispen.enhance.target import Target
from crispen.enhance.task_models import models_for, usual_model
from crispen.errors import UsageError
from crispen.models.athand import AtHand, HasCard
from crispen.models.tasks import TASKS

# A result at most this much larger than what the chain gives is enlarged bicubically at the end:
# 333 to 667 pixels is x2, not x3 and down again.
SLACK = 1.01
# Maximum scale of networks in a row; bicubic does the rest. A second network treats what
# the first invented as detail and turns it into speckles: x8 of photo scores 23.75 dB by x2 and x4,
# 23.81 by x4 and bicubic (Set5 and Set14), at a fifth of the work. Up to x4 it pays: 27.88 dB by x2
# twice, 27.49 by x2 and bicubic.
_MOST = 4
# Cost of a pixel of the result beside the network's work on it, in weights applied to a
# pixel of the input: 2.7 ns against 2 ps, measured with photo-fast-x2 on two cores.
_RESULT_PX = 1000


class Family:
    """Models of one kind that differ in scale, such as ``photo-x2``, ``-x3``, ``-x4``."""

    def __init__(self, name: str, members: Sequence[HasCard]) -> None:
        self.name = name
        self.members = tuple(members)

    def chain(self, factor: float, before: int = 1) -> list[HasCard]:
        """The cheapest sequence of members that enlarges `factor` times, or as far as it pays.

        Smaller scales come first, since the cost of a step is proportional to its input's pixels.
        No member at all if nothing is enlarged.

        Args:
            factor: Factor still missing.
            before: Factor of the networks before it.

        Raises:
            UsageError: No member enlarges.
        """
        largest = max(model.card.scale for model in self.members)
        factor = min(factor, max(_MOST / before, largest if before == 1 else 1))
        if factor <= SLACK:
            return []
        # Two of one scale reach any factor up to 4.
        rows = [row for n in (1, 2) for row in itertools.product(self.members, repeat=n)]
        reaching = [row for row in rows if _scale(row) * SLACK >= factor]
        if not reaching:
            raise UsageError(f"none of {self.name} enlarges; name a model that does with --model")
        return list(min(reaching, key=lambda row: (_cost(row), _scale(row))))


def _scale(row: Iterable[HasCard]) -> int:
    return math.prod(model.card.scale for model in row)


def _cost(row: Iterable[HasCard]) -> float:
    cost, pixels = 0.0, 1.0
    for model in row:
        cost += pixels * model.card.parameters
        pixels *= model.card.scale**2
        cost += pixels * _RESULT_PX
    return cost


class Lineup:
    """The models for a request, in order, for any size of picture.

    Args:
        wanted: Names of models and families; None for the usual family.
        tasks: Tasks instead; `wanted` then replaces the models that usually do them.
        strength: Share of the change by models of scale 1 to keep, 0 to 1; all unless given.
        video: Choose usual models that are fast enough for videos.
        at_hand: The models that can be named; those that ship and the user's own unless given.

    Attributes:
        steps: Models, and families that choose theirs by the size.
        strength: As given, or 1.

    Raises:
        ModelError: An unknown name, or no model for a task.
        UsageError: More than one family, an unknown task, or a strength without a use.
    """

    def __init__(
        self,
        wanted: Sequence[str | HasCard] | None,
        *,
        tasks: Sequence[str] | None = None,
        strength: float | None = None,
        video: bool = False,
        at_hand: AtHand | None = None,
    ) -> None:
        self._at_hand = AtHand() if at_hand is None else at_hand
        self._default = usual_model("upscale", video=video)
        names = [self._at_hand.take(m) if not isinstance(m, str) else m for m in wanted or ()]
        if tasks is not None:
            names = models_for(tasks, names, video=video, at_hand=self._at_hand)
        self.steps = [self._step(name) for name in names or [self._default]]
        families = [step.name for step in self.steps if isinstance(step, Family)]
        if len(families) > 1:
            raise UsageError(
                f"{' and '.join(families)} both choose their scale by the size of the result; "
                f"name the scale of all but one, as in {families[0]}-x2"
            )
        self.strength = 1.0 if strength is None else strength
        if not 0.0 <= self.strength <= 1.0:
            raise UsageError(f"the strength is {strength:g}; give a number from 0 to 1")
        if strength is not None and not self.same_size:
            named = ", ".join(self.names)
            raise UsageError(
                f"strength mixes a cleaned picture with the original, and {named} only enlarges; "
                f"add --task {' or '.join(t for t in TASKS if t != 'upscale')}, or leave "
                "--strength out"
            )

    def _step(self, name: str) -> HasCard | Family:
        if name in self._at_hand:
            return self._at_hand[name]
        self._at_hand.card(name)  # reports similar names if it is no family either
        return Family(name, self._at_hand.family(name))

    @property
    def names(self) -> list[str]:
        """Of the models and families."""
        return [s.name if isinstance(s, Family) else s.card.name for s in self.steps]

    @property
    def same_size(self) -> tuple[HasCard, ...]:
        """The models that keep the size."""
        models = (step for step in self.steps if not isinstance(step, Family))
        return tuple(model for model in models if model.card.takes_strength)

    @property
    def default_scale(self) -> int:
        """The default scale: 2, or that of the named models."""
        fixed = _scale(step for step in self.steps if not isinstance(step, Family))
        return fixed * (2 if any(isinstance(step, Family) for step in self.steps) else 1)

    def chain(self, factor: float) -> list[HasCard]:
        """The models to run, in order, for a result `factor` times as large.

        Named models always run. A family supplies the rest; without one the last model that
        enlarges is repeated, or the default family follows if none does. Beyond x4, bicubic
        does the rest.
        """
        fixed = _scale(step for step in self.steps if not isinstance(step, Family))
        row: list[HasCard] = []
        for step in self.steps:
            more = step.chain(factor / fixed, fixed) if isinstance(step, Family) else [step]
            row.extend(more)
        reached = _scale(row)
        if reached * SLACK >= factor:
            return row
        larger = [model for model in row if model.card.scale > 1]
        if larger:
            last = Family(larger[-1].card.name, larger[-1:])
            return row + last.chain(factor / reached, reached)
        return row + self._fallback().chain(factor / reached, reached)

    def candidates(self, target: Target) -> list[HasCard]:
        """Every model that may run for that target, for any size of picture."""
        models: list[HasCard] = []
        for step in self.steps:
            models.extend(step.members if isinstance(step, Family) else [step])
        if target.scale != 1 and all(model.card.scale == 1 for model in models):
            models.extend(self._fallback().members)
        return models

    def _fallback(self) -> Family:
        """The family that enlarges if no other model does."""
        members = self._at_hand.family(self._default)
        if not members:
            raise UsageError("none of the models enlarges; add one that does with --model")
        return Family(self._default, members)
