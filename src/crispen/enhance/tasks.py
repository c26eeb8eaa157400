"""What a person wants done, in words, and which model does it when nobody named one.

This is the only table of defaults: command line, Python, server and page all ask here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from crispen.errors import UnknownModel, UsageError, nearest_names
from crispen.models.card import ModelCard, Task
from crispen.models.store import find, list_cards

# In the order in which they are done. Noise goes first, since light and sharpness would raise it
# and an enlargement would take it for texture; the cheap steps come before the picture grows.
TASKS: tuple[Task, ...] = ("denoise", "relight", "sharpen", "restore", "upscale")

# Names of models, or of families whose members differ in scale.
DEFAULTS: dict[Task, str] = {
    "denoise": "denoise-photo",
    "relight": "relight",
    "sharpen": "sharpen-photo",
    "upscale": "photo",
}
VIDEO_DEFAULTS: dict[Task, str] = {**DEFAULTS, "upscale": "photo-fast"}

MEMBER = re.compile(r"^(?P<family>.+)-x(?P<scale>\d+)$")
"""A model's name that ends in its scale."""

Named = TypeVar("Named")


def default_model(task: Task, *, video: bool = False) -> str:
    """The model or family that does a task: the table's, or where it is missing, one of the user's.

    Raises:
        UnknownModel: No model of that task is installed.
        UsageError: No such task.
    """
    _check(task)
    wanted = (VIDEO_DEFAULTS if video else DEFAULTS).get(task)
    cards = [card for _, card in list_cards() if card.task == task]
    if any(wanted == card.name or wanted == _family(card) for card in cards):
        return str(wanted)
    if cards:
        return cards[0].name
    advice = f"train one with 'crispen train {wanted}', or " if wanted is not None else ""
    raise UnknownModel(
        f"no model for '{task}' is installed; {advice}add one with 'crispen models add'"
    )


def default_models(*, video: bool = False) -> dict[Task, str]:
    """What does each task on this machine; tasks without a model are left out."""
    found: dict[Task, str] = {}
    for task in TASKS:
        try:
            found[task] = default_model(task, video=video)
        except UnknownModel:
            continue
    return found


def models_for(
    tasks: Sequence[str], named: Sequence[Named] = (), *, video: bool = False
) -> list[Named | str]:
    """The models that do `tasks`, in the order that makes sense.

    Args:
        tasks: What is to be done, in any order.
        named: Models that take the place of their task's default.
        video: Choose what is fast enough for videos.

    Raises:
        UnknownModel: A model is not known, or none of a task is installed.
        UsageError: No such task, or a named model does none of them.
    """
    wanted = {_check(task) for task in tasks}
    row: list[Named | str] = []
    given = [(task_of(model), model) for model in named]
    for task, model in given:
        if task not in wanted:
            label = model if isinstance(model, (str, Path)) else "the model"
            raise UsageError(f"{label} is for '{task}'; add --task {task}, or leave --task out")
    for task in TASKS:
        if task in wanted:
            mine = [model for its, model in given if its == task]
            row.extend(mine or [default_model(task, video=video)])
    return row


def task_of(model: object) -> Task:
    """What a model is for: a name, a family's name, a path, or an object with a card."""
    card = getattr(model, "card", None)
    if isinstance(card, ModelCard):
        return card.task
    if isinstance(model, str):
        for _, known in list_cards():
            if model in (known.name, _family(known)):
                return known.task
    return find(model if isinstance(model, Path) else str(model))[1].task


def _family(card: ModelCard) -> str | None:
    match = MEMBER.match(card.name)
    return match["family"] if match is not None else None


def _check(task: str) -> Task:
    if task not in TASKS:
        raise UsageError(
            f"no task is called '{task}'{nearest_names(task, TASKS)} (there are {', '.join(TASKS)})"
        )
    return task
