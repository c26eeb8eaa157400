"""The available models: their names, files and cards."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from crispen.errors import UnknownModel, UsageError, nearest_names
from crispen.models.card import ModelCard
from crispen.models.store import Known, find, list_cards

MEMBER = re.compile(r"^(?P<family>.+)-x(?P<scale>\d+)$")
"""A model's name that ends in its scale."""


class HasCard(Protocol):
    """A model in any form: a known file, or one with an open engine."""

    @property
    def card(self) -> ModelCard:
        """What is known about it."""


def family_of(card: ModelCard) -> str | None:
    """The name under which a model's scale is picked by the size of the result, if any.

    >>> family_of(ModelCard(name="photo-x2", scale=2)), family_of(ModelCard(name="denoise-photo"))
    ('photo', None)
    """
    match = MEMBER.match(card.name)
    return match["family"] if match is not None and card.scale > 1 else None


class AtHand(Mapping[str, HasCard]):
    """Models by name.

    Args:
        models: The models; those that ship and the user's own unless given.
    """

    def __init__(self, models: Iterable[HasCard] | None = None) -> None:
        found: Iterable[HasCard] = list_cards() if models is None else models
        self._models: dict[str, HasCard] = {}
        for model in found:  # shipped models come first, and keep their names
            self._models.setdefault(model.card.name, model)

    def __getitem__(self, name: str) -> HasCard:
        return self._models[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def family(self, name: str) -> tuple[HasCard, ...]:
        """The models of one kind that differ in scale; none if `name` is no family."""
        # A file given by its path does not join a family because of its card.
        own = (model for known, model in self.items() if known == model.card.name)
        return tuple(model for model in own if family_of(model.card) == name)

    def names(self, task: str | None = None) -> list[str]:
        """The available names, for one task or all: families first."""
        cards = [model.card for model in self.values() if task in (None, model.card.task)]
        families = dict.fromkeys(f for f in map(family_of, cards) if f is not None)
        return [*families, *(card.name for card in cards)]

    def card(self, name: str) -> ModelCard:
        """The card of a model, or of the first one of a family.

        Raises:
            UnknownModel: No such name; the message lists the nearest ones.
        """
        found = (self[name],) if name in self else self.family(name)
        if not found:
            names = self.names()
            raise UnknownModel(f"no model is called '{name}'{nearest_names(name, names)}")
        return found[0].card

    def name_of(self, model: HasCard) -> str:
        """The name of one of these models."""
        return next(name for name, known in self.items() if known is model)

    def put(self, name: str, model: HasCard) -> None:
        """Make a model available under a name that another process gave it."""
        self._models[name] = model

    def take(self, model: str | Path | HasCard) -> str:
        """The name of a model in any form; files and open models get a unique one.

        Raises:
            UnknownModel: No such model or file.
            ModelError: A broken file.
            UsageError: It is none of these.
        """
        if not isinstance(model, (str, Path)) and not hasattr(model, "card"):
            raise UsageError(
                f"model is {model!r}; give the name of a model, such as 'photo', its file, or what "
                "crispen.load gave"
            )
        if isinstance(model, str) and (model in self or self.family(model)):
            return model
        taken = Known(*find(model)) if isinstance(model, (str, Path)) else model
        name = f"{taken.card.name}.given-{len(self)}"
        self._models[name] = taken
        return name
