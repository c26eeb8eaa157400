"""The models for the tasks that a user chose by name; `crispen.models.tasks` is the table."""

from __future__ import annotations

from collections.abc import Sequence

from crispen.errors import UnknownModel, UsageError, nearest_names
from crispen.models.athand import AtHand, family_of
from crispen.models.tasks import TASKS, Task


def usual_model(task: Task, *, video: bool = False) -> str:
    """The table's model or family of a task; empty if it has none."""
    row = TASKS[task]
    return (row.video_model if video else row.model) or ""


def default_model(task: str, *, video: bool = False, at_hand: AtHand | None = None) -> str:
    """The model or family for a task: the table's, or if it is missing, one of the user's.

    Raises:
        UnknownModel: No model of that task is installed.
        UsageError: No such task.
    """
    known = _check(task)
    at_hand = AtHand() if at_hand is None else at_hand
    wanted = usual_model(known, video=video)
    cards = [model.card for model in at_hand.values() if model.card.task == known]
    if any(wanted in (card.name, family_of(card)) for card in cards):
        return wanted
    if cards:
        return cards[0].name
    advice = f"train one with 'crispen train {wanted}', or " if wanted else ""
    raise UnknownModel(
        f"no model for '{task}' is installed; {advice}add one with 'crispen models add'"
    )


def default_models(*, video: bool = False, at_hand: AtHand | None = None) -> dict[Task, str]:
    """The model for each task on this machine; tasks without a model are left out."""
    at_hand = AtHand() if at_hand is None else at_hand
    found: dict[Task, str] = {}
    for task in TASKS:
        try:
            found[task] = default_model(task, video=video, at_hand=at_hand)
        except UnknownModel:
            continue
    return found


def models_for(
    tasks: Sequence[str],
    named: Sequence[str] = (),
    *,
    video: bool = False,
    at_hand: AtHand | None = None,
) -> list[str]:
    """The models that do `tasks`, in the order that makes sense.

    Args:
        tasks: Tasks, in any order.
        named: Models that replace their task's default.
        video: Choose models that are fast enough for videos.
        at_hand: The models that can be named; those that ship and the user's own unless given.

    Raises:
        UnknownModel: A model is not known, or none of a task is installed.
        UsageError: No task, no such task, or a named model does none of them.
    """
    at_hand = AtHand() if at_hand is None else at_hand
    wanted = {_check(task) for task in tasks}
    if not wanted:
        raise UsageError("there is nothing to do; choose at least one task")
    given = [(at_hand.card(name), name) for name in named]
    for card, name in given:
        if card.task not in wanted:
            label = name if name in (card.name, family_of(card)) else card.name
            raise UsageError(
                f"{label} is for '{card.task}'; add --task {card.task}, or leave --task out"
            )
    row: list[str] = []
    for task in TASKS:
        if task in wanted:
            mine = [name for card, name in given if card.task == task]
            row.extend(mine or [default_model(task, video=video, at_hand=at_hand)])
    return row


def _check(task: str) -> Task:
    for known in TASKS:
        if task == known:
            return known
    raise UsageError(
        f"no task is called '{task}'{nearest_names(task, TASKS)} (there are {', '.join(TASKS)})"
    )
