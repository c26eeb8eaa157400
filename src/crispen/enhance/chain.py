"""Which models, in which order, bring a picture to its size."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from crispen.enhance.model import Model, load
from crispen.enhance.target import Target
from crispen.enhance.tasks import DEFAULTS, MEMBER, VIDEO_DEFAULTS, models_for
from crispen.errors import UsageError
from crispen.models.store import list_cards

# A result at most so much larger than what the chain gives is enlarged that little at the end:
# 667 pixels out of 333 are to be x2, not x3 and down again.
_SLACK = 1.01
# How much networks in a row enlarge, at most; bicubic does the rest. A second network takes what
# the first made up for detail and makes speckles of it: x8 of photo scores 23.75 dB by x2 and x4,
# 23.81 by x4 and bicubic (Set5 and Set14), at a fifth of the work. Up to x4 it pays: 27.88 dB by x2
# twice, 27.49 by x2 and bicubic.
_MOST = 4
# What a pixel of the result costs beside the network's work on it, in weights applied to a pixel of
# the input: 2.7 ns against 2 ps, measured with photo-fast-x2 on two cores.
_RESULT_PX = 1000


class Family:
    """Models of one kind that differ in scale, such as ``photo-x2``, ``-x3``, ``-x4``."""

    def __init__(self, name: str, members: Sequence[Model]) -> None:
        self.name = name
        self.members = tuple(members)

    def chain(self, factor: float, before: int = 1) -> list[Model]:
        """The cheapest members in a row that enlarge `factor` times, or as far as it pays.

        Smaller scales come first, since a step costs what its input has pixels. No member at all
        where nothing is to be enlarged.

        Args:
            factor: What is missing.
            before: What other networks have enlarged by then.

        Raises:
            UsageError: No member enlarges.
        """
        largest = max(model.card.scale for model in self.members)
        factor = min(factor, max(_MOST / before, largest if before == 1 else 1))
        if factor <= _SLACK:
            return []
        # Two of one scale reach any factor up to 4.
        rows = [row for n in (1, 2) for row in itertools.product(self.members, repeat=n)]
        reaching = [row for row in rows if _scale(row) * _SLACK >= factor]
        if not reaching:
            raise UsageError(f"none of {self.name} enlarges; name a model that does with --model")
        return list(min(reaching, key=lambda row: (_cost(row), _scale(row))))


def _scale(row: Iterable[Model]) -> int:
    return math.prod(model.card.scale for model in row)


def _cost(row: Iterable[Model]) -> float:
    cost, pixels = 0.0, 1.0
    for model in row:
        cost += pixels * model.card.parameters
        pixels *= model.card.scale**2
        cost += pixels * _RESULT_PX
    return cost


class Plan:
    """What the person asked for, models and families in order.

    Args:
        wanted: Names, paths or models; None for the default family.
        tasks: What is to be done instead, in words; what is wanted then takes the place of the
            models that usually do it.
        strength: How much of what models of scale 1 change is kept, 0 to 1; all unless given.
        video: Choose defaults that are fast enough for videos.
        device: See `model.load`.
        threads: See `model.load`.

    Attributes:
        steps: Models, and families that choose theirs by the size.
        strength: As given, or 1.

    Raises:
        ModelError: A name that is not known, or no model for a task.
        UsageError: More than one family, a task that is none, or a strength without a use.
    """

    def __init__(
        self,
        wanted: Sequence[str | Path | Model] | None,
        *,
        tasks: Sequence[str] | None = None,
        strength: float | None = None,
        video: bool = False,
        device: str = "auto",
        threads: int | None = None,
    ) -> None:
        self._device = device
        self._threads = threads
        self._enlarger: Family | None = None
        self._default = (VIDEO_DEFAULTS if video else DEFAULTS)["upscale"]
        asked: Sequence[str | Path | Model] = wanted or [self._default]
        if tasks:
            asked = models_for(tasks, wanted or (), video=video)
        self.steps = [self._step(entry) for entry in asked]
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
            names = ", ".join(_name(step) for step in self.steps)
            raise UsageError(
                f"strength mixes a cleaned picture with the original, and {names} only enlarges; "
                "add --task denoise, sharpen or relight, or leave --strength out"
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
            match = MEMBER.match(card.name)
            if card.name == name:
                return None
            if match is not None and match["family"] == name:
                members.append(Model(path, card, device=self._device, threads=self._threads))
        return Family(name, members) if members else None

    @property
    def same_size(self) -> tuple[Model, ...]:
        """The models that leave the size as it is."""
        models = (step for step in self.steps if isinstance(step, Model))
        return tuple(model for model in models if model.card.takes_strength)

    @property
    def default_scale(self) -> int:
        """How much larger a result is if nothing was asked: 2, or what the named models give."""
        fixed = _scale(step for step in self.steps if isinstance(step, Model))
        return fixed * (2 if any(isinstance(step, Family) for step in self.steps) else 1)

    def chain(self, factor: float) -> list[Model]:
        """The models to run, in order, for a result `factor` times as large.

        Named models always run. A family adds what is missing; without one the last model that
        enlarges is repeated, and where none does the default family follows. Beyond x4 what is
        missing is left to bicubic.
        """
        fixed = _scale(step for step in self.steps if isinstance(step, Model))
        row: list[Model] = []
        for step in self.steps:
            row.extend([step] if isinstance(step, Model) else step.chain(factor / fixed, fixed))
        reached = _scale(row)
        if reached * _SLACK >= factor:
            return row
        larger = [model for model in row if model.card.scale > 1]
        if larger:
            last = Family(larger[-1].card.name, larger[-1:])
            return row + last.chain(factor / reached, reached)
        return row + self._fallback().chain(factor / reached, reached)

    def candidates(self, target: Target) -> list[Model]:
        """Every model that may run for that target, whatever the size of the picture."""
        models: list[Model] = []
        for step in self.steps:
            models.extend([step] if isinstance(step, Model) else step.members)
        if target.scale != 1 and all(model.card.scale == 1 for model in models):
            models.extend(self._fallback().members)
        return models

    def _fallback(self) -> Family:
        """What enlarges where nothing else does."""
        if self._enlarger is None:
            self._enlarger = self._family(self._default)
        if self._enlarger is None:
            raise UsageError("none of the models enlarges; add one that does with --model")
        return self._enlarger

    def close(self) -> None:
        """Give engines back."""
        extra = [self._enlarger] if self._enlarger is not None else []
        for step in [*self.steps, *extra]:
            for model in [step] if isinstance(step, Model) else step.members:
                model.close()


def _name(step: Model | Family) -> str:
    return step.card.name if isinstance(step, Model) else step.name
