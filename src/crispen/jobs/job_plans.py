"""What would be done for a job, before anything is done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from crispen.enhance.plan import Plan, check, plan
from crispen.enhance.request import Kind, Request
from crispen.enhance.source import Source as PlainSource
from crispen.errors import CrispenError
from crispen.jobs.error_texts import for_everyone
from crispen.jobs.job_facts import Source
from crispen.models.athand import AtHand
from crispen.models.store import Known


def plan_job(
    request: Request,
    source: Source,
    models: Iterable[Known] | None = None,
    *,
    max_pixels: int | None = None,
) -> Plan:
    """What will be done for a job, with the models that are available now.

    Args:
        request: What is wanted.
        source: The file that it is wanted for.
        models: Those that may be used; all unless given.
        max_pixels: Maximum number of pixels of the result, all frames of a picture together.

    Raises:
        ResultTooLarge: The result would have more than `max_pixels`.
        UsageError: Options that contradict each other or do not suit the file.
        ModelError: No such model, or none for a task.
    """
    return plan(request, source, AtHand(models), max_pixels=max_pixels)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would be done to a file that is not here.

    Attributes:
        models: The networks, in order.
        width: Of the result.
        height: Of the result.
        problem: Why it cannot be done, if it cannot.
    """

    models: tuple[str, ...]
    width: int
    height: int
    problem: str | None = None


def foresee(
    request: Request, sources: Iterable[PlainSource], models: Iterable[Known], max_pixels: int
) -> list[Outlook]:
    """What would be done to files of which only that much is known.

    Args:
        request: What is wanted.
        sources: The files.
        models: Those that may be used.
        max_pixels: Maximum number of pixels of a result.
    """
    at_hand = AtHand(models)
    outlooks = []
    for source in sources:
        try:
            planned = plan(request, source, at_hand, max_pixels=max_pixels)
        except CrispenError as error:
            problem = for_everyone(str(error))
            outlooks.append(Outlook((), source.width, source.height, problem))
        else:
            outlooks.append(Outlook(planned.models, planned.width, planned.height))
    return outlooks


def check_job(request: Request, kind: Kind, models: Iterable[Known] | None = None) -> list[str]:
    """The models and families that would run, as far as that can be said without the file.

    Args:
        request: What is wanted.
        kind: Of the file.
        models: Those that may be used; all unless given.

    Raises:
        UsageError: Options that contradict each other or do not suit such files.
        ModelError: No such model, or none for a task.
    """
    return check(request, kind, AtHand(models)).names
