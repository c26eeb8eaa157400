"""What would be done for a job, before anything is done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from crispen.enhance.naming import VIDEO_FORMATS
from crispen.enhance.plan import Plan, check, plan
from crispen.enhance.request import Kind, Request
from crispen.enhance.source import Source as PlainSource
from crispen.errors import CrispenError, UsageError
from crispen.jobs.error_texts import for_everyone
from crispen.jobs.job_facts import Source
from crispen.media.video.box import Box
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
        source: The file to enhance.
        models: Those that may be used; all by default.
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
        field: The option at fault, if it is one option.
        frames: How many are enhanced; 0 if that is not known.
        begin_s: When the first of them is shown, in a video.
        box: What is cut out of a video; None for all of it.
    """

    models: tuple[str, ...]
    width: int
    height: int
    problem: str | None = None
    field: str | None = None
    frames: int = 1
    begin_s: float = 0.0
    box: Box | None = None


class Glimpse(PlainSource):
    """What is known of a file that is not here."""

    duration_s: float | None = None


def foresee(
    request: Request, sources: Iterable[Glimpse], models: Iterable[Known], max_pixels: int
) -> list[Outlook]:
    """What would be done to files of which only these facts are known.

    Args:
        request: What is wanted.
        sources: The files.
        models: Those that may be used.
        max_pixels: Maximum number of pixels of a result.
    """
    at_hand = AtHand(models)
    outlooks = []
    for source in sources:
        if source.frames == 1 and request.format in VIDEO_FORMATS:  # it may be an animation
            source = source.model_copy(update={"frames": 0})
        try:
            planned = plan(request, source, at_hand, max_pixels=max_pixels)
            frames = _frames(request, source)
        except CrispenError as error:
            problem = for_everyone(str(error))
            field = error.field if isinstance(error, UsageError) else None
            outlooks.append(Outlook((), source.width, source.height, problem, field))
        else:
            begin, box = request.span.begin, request.box
            video = source.kind == "video"
            outlooks.append(
                Outlook(
                    planned.models,
                    planned.width,
                    planned.height,
                    frames=frames,
                    begin_s=float(begin or 0) if video else 0.0,
                    box=box if video else None,
                )
            )
    return outlooks


def _frames(request: Request, source: Glimpse) -> int:
    """About how many frames of a file are enhanced; 0 if that is not known.

    Raises:
        UsageError: The part begins after the file's end.
    """
    if source.kind == "image" or source.duration_s is None:
        return source.frames
    length = Fraction(source.duration_s)
    part = request.span.overlap(Fraction(0), length)
    if part is None:
        raise UsageError(
            f"start {request.start} is after the last frame; the video is {float(length):g} s long",
            field="start",
        )
    seconds = part[1] - part[0]
    shown = round(source.frames * seconds / length)
    # Frames that are repeated are not computed again.
    return shown if request.rate is None else min(shown, round(request.rate * seconds))


def check_job(request: Request, kind: Kind, models: Iterable[Known] | None = None) -> list[str]:
    """The models and families that would run, as far as can be known without the file.

    Args:
        request: What is wanted.
        kind: Of the file.
        models: Those that may be used; all by default.

    Raises:
        UsageError: Options that contradict each other or do not suit such files.
        ModelError: No such model, or none for a task.
    """
    return check(request, kind, AtHand(models)).names
