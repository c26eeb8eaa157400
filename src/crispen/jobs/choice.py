"""Which models do what a person wishes, and how large the result becomes."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from crispen.enhance.target import Target
from crispen.errors import ModelError, UsageError, nearest_names
from crispen.jobs.options import Kind, Options, Source, Task
from crispen.models.card import ModelCard

TASKS: tuple[Task, ...] = ("denoise", "relight", "sharpen", "restore", "upscale")
DEFAULT_SCALE = 2.0
_ENLARGERS: dict[Kind, str] = {"image": "photo", "video": "photo-fast"}
_MEMBER = re.compile(r"^(?P<family>.+)-x\d+$")


def family_of(card: ModelCard) -> str | None:
    """The name under which a model's scale is picked by the size of the result, if any.

    >>> family_of(ModelCard(name="photo-x2", scale=2)), family_of(ModelCard(name="denoise-photo"))
    ('photo', None)
    """
    match = _MEMBER.match(card.name)
    return match["family"] if match is not None and card.scale > 1 else None


@dataclass(frozen=True, slots=True)
class Choice:
    """What to run.

    Attributes:
        models: Names of models and families, in order.
        target: Size of the result.
    """

    models: tuple[str, ...]
    target: Target


def names_for(task: Task, cards: Sequence[ModelCard]) -> list[str]:
    """Families and models for a task, families first."""
    cards = [card for card in cards if card.task == task]
    families = dict.fromkeys(f for f in map(family_of, cards) if f is not None)
    return [*families, *(card.name for card in cards)]


def default_for(task: Task, kind: Kind, cards: Sequence[ModelCard]) -> str | None:
    """The model or family for a task when nobody said which; None if there is none."""
    names = names_for(task, cards)
    if task == "upscale" and _ENLARGERS[kind] in names:
        return _ENLARGERS[kind]
    return next(iter(names), None)


def choose(options: Options, kind: Kind, cards: Sequence[ModelCard]) -> Choice:
    """Models and size for a wish.

    Args:
        options: What was wished for.
        kind: Of the source.
        cards: All models at hand.

    Raises:
        UsageError: Both a scale and a size, or nothing at all to do.
        ModelError: No such model, or none for that task.
    """
    by_name = {card.name: card for card in cards}
    target = Target(options.scale, options.width, options.height, options.fit)
    if options.models:
        known = {*by_name, *(f for f in map(family_of, cards) if f is not None)}
        for name in options.models:
            if name not in known:
                raise ModelError(f"no model is called '{name}'{nearest_names(name, known)}")
        models = list(options.models)
    else:
        wanted: list[Task] = ["upscale"] if options.tasks is None else options.tasks
        tasks = dict.fromkeys(wanted)
        if not tasks:
            raise UsageError("nothing is to be done; choose at least one task")
        models = []
        for task in tasks:
            found = default_for(task, kind, cards)
            if found is None:
                raise ModelError(f"no model for '{task}' is at hand; add one on the models page")
            models.append(found)
    # A family picks its scale by the size; single models have theirs.
    fixed = math.prod(by_name[name].scale for name in models if name in by_name)
    families = any(name not in by_name for name in models)
    return Choice(tuple(models), target.or_scale(fixed * (DEFAULT_SCALE if families else 1.0)))


def result_size(choice: Choice, source: Source) -> tuple[int, int]:
    """Width and height of the result."""
    return choice.target.resolve(source.width, source.height)
