"""Which models do what a person wishes, and how large the result becomes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from crispen.enhance.naming import label_of
from crispen.enhance.target import Target
from crispen.enhance.tasks import MEMBER, models_for
from crispen.errors import ModelError, UsageError, nearest_names
from crispen.jobs.options import Kind, Options, Source, Task
from crispen.models.card import ModelCard

DEFAULT_SCALE = 2.0


def family_of(card: ModelCard) -> str | None:
    """The name under which a model's scale is picked by the size of the result, if any.

    >>> family_of(ModelCard(name="photo-x2", scale=2)), family_of(ModelCard(name="denoise-photo"))
    ('photo', None)
    """
    match = MEMBER.match(card.name)
    return match["family"] if match is not None and card.scale > 1 else None


@dataclass(frozen=True, slots=True)
class Choice:
    """What to run.

    Attributes:
        models: Names of models and families, in order.
        target: Size of the result.
        label: What stands in the result's name.
    """

    models: tuple[str, ...]
    target: Target
    label: str


def names_for(task: Task, cards: Sequence[ModelCard]) -> list[str]:
    """Families and models for a task, families first."""
    cards = [card for card in cards if card.task == task]
    families = dict.fromkeys(f for f in map(family_of, cards) if f is not None)
    return [*families, *(card.name for card in cards)]


def choose(options: Options, kind: Kind, cards: Sequence[ModelCard]) -> Choice:
    """Models and size for a wish.

    Args:
        options: What was wished for.
        kind: Of the source.
        cards: All models at hand.

    Raises:
        UsageError: Wishes that contradict each other, or nothing at all to do.
        ModelError: No such model, or none for that task.
    """
    by_name = {card.name: card for card in cards}
    target = Target(options.scale, options.width, options.height, options.fit)
    known = {*by_name, *(f for f in map(family_of, cards) if f is not None)}
    named = options.models or []
    for name in named:
        # Only names that are known: whatever else looks like a path would be taken for one.
        if name not in known:
            raise ModelError(f"no model is called '{name}'{nearest_names(name, known)}")
    if options.tasks is None and named:
        models = list(named)
    else:
        tasks: list[Task] = ["upscale"] if options.tasks is None else options.tasks
        if not tasks:
            raise UsageError("nothing is to be done; choose at least one task")
        models = models_for(tasks, named, video=kind == "video")
    chosen = [by_name[name] for name in models if name in by_name]
    same_size = [card.task for card in chosen if card.takes_strength]
    if options.strength is not None and not same_size:
        raise UsageError(
            "strength mixes a cleaned picture with the original, and nothing that was chosen "
            "cleans; add the task denoise, sharpen or relight, or leave strength out"
        )
    # A family picks its scale by the size; single models have theirs.
    fixed = math.prod(card.scale for card in chosen)
    families = len(chosen) < len(models)
    target = target.or_scale(fixed * (DEFAULT_SCALE if families else 1.0))
    strength = 1.0 if options.strength is None else options.strength
    return Choice(tuple(models), target, label_of(target, same_size, strength))


def result_size(choice: Choice, source: Source) -> tuple[int, int]:
    """Width and height of the result."""
    return choice.target.resolve(source.width, source.height)
