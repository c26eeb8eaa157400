"""Many files: mirrored folders, resuming, and isolation of files that fail.

What is done with a result that is there already:

- By default a batch **resumes**: a result that was made from the same source with the same settings
  is skipped (see `record`). Any other file of that name is left alone, and that file fails with a
  hint that says what is other.
- ``--overwrite`` makes all results again.
- ``--overwrite --resume`` makes those again that were made differently.
- ``--no-resume`` alone skips nothing, so that results that are there fail.

A result that the person named (``-o photo-large.png``) is never skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from functools import partial
from typing import Any

from crispen.enhance.chain import Lineup
from crispen.enhance.enhancer import Enhancer
from crispen.enhance.file_work import Batch
from crispen.enhance.inputs import Inputs, Jobs, Strangers, plan_jobs
from crispen.enhance.kinds import check_kinds
from crispen.enhance.modelfile import ModelFiles
from crispen.enhance.naming import check_format, picture_format
from crispen.enhance.outcome import Options, Outcome, exit_code
from crispen.enhance.plan import check
from crispen.enhance.record import Record
from crispen.enhance.request import Request
from crispen.enhance.results import Job
from crispen.enhance.target import Target
from crispen.errors import UsageError
from crispen.media.image import is_image_name
from crispen.models.athand import AtHand
from crispen.progress import Progress

__all__ = ["Arriving", "Options", "Outcome", "Workers", "enhance_all", "exit_code"]

Workers = Callable[[Jobs, Batch], Generator[Outcome]]
"""Works off the files of a batch, and says what became of each as soon as it is known."""

Arriving = Callable[[Callable[[], Sequence[Job]]], Iterator[Job]]
"""Gives files as they arrive; it is given what says what is to be done with those that are there.

See `crispen.enhance.arrivals`.
"""

_NOTHING = Inputs(Jobs(lambda: iter(())), [], Strangers(()))


def enhance_all(
    inputs: Sequence[str],
    output: str | None = None,
    options: Options | None = None,
    progress: Progress | None = None,
    report: Callable[[Outcome], None] | None = None,
    workers: Workers | None = None,
    arriving: Arriving | None = None,
    *,
    keep: bool = True,
) -> list[Outcome]:
    """Enhance files, folders, globs, or standard input.

    Args:
        inputs: What to enhance; ``-`` reads standard input.
        output: A file for one input, else a folder in which the tree is mirrored; ``-`` writes to
            standard output. None puts ``NAME.x2.EXT`` beside each source.
        options: What holds for all.
        progress: Receives progress events; can cancel.
        report: Called with each outcome as soon as it is known.
        workers: Who does it; one file after the other is done here unless given.
        arriving: Takes files as they arrive, until it is cancelled; outcomes are only reported.
        keep: Return all outcomes. Without this, and with `arriving`, they are only reported, since
            they take memory.

    Raises:
        UsageError: Something typed does not fit; nothing was done.
        ModelError: A model is unknown or broken; nothing was done.
        Cancelled: It was cancelled; finished files are complete.
    """
    # Here and not above: PyAV takes a tenth of a second that pictures need not wait for.
    from crispen.media.format_choice import is_video_name

    options = options or Options()
    request = options.request
    at_hand = AtHand() if options.at_hand is None else options.at_hand
    progress = progress or Progress()
    outcomes: list[Outcome] = []

    def tell(outcome: Outcome) -> None:
        if keep and arriving is None:
            outcomes.append(outcome)
        if report is not None:
            report(outcome)

    requests = {video: _for_kind(request, video=video) for video in (False, True)}
    with Enhancer(
        request=requests[False],
        at_hand=at_hand,
        device=options.device,
        threads=options.threads,
        memory_bytes=options.memory_bytes,
        tile_px=options.tile_px,
    ) as enhancer:
        target = enhancer.target(None)
        plan = partial(
            plan_jobs,
            inputs,
            output,
            label=enhancer.label(target),
            format=request.format,
            recursive=options.recursive,
            is_picture=is_image_name,
            is_video=is_video_name,
        )
        jobs, problems, strangers = plan() if arriving is None else _NOTHING
        kinds = {video for video in (False, True) if jobs.count(video=video)} or {False, True}
        check_kinds(
            request,
            ["video" if video else "image" for video in kinds],
            # It matters only where there are no pictures.
            animated=kinds == {True} and any(job.animated for job in jobs),
        )
        if request.format is not None:
            check_format(request.format, pictures=False in kinds, videos=True in kinds)
        lineups = {False: enhancer.lineup}
        if arriving is not None:
            with suppress(UsageError):  # then videos are not taken
                lineups[True] = check(requests[True], "video", at_hand)
        elif jobs.count(video=True):
            lineups[True] = check(requests[True], "video", at_hand)
        for text, error in problems:
            tell(Outcome(text, "", "failed", error=str(error), exit_code=error.exit_code))
        records = {
            video: Record(_settings(target, requests[video], lineup, at_hand, video=video))
            for video, lineup in lineups.items()
        }
        batch = Batch(options, requests, at_hand, enhancer, target, records, progress)
        flow = jobs
        if arriving is not None:

            def there() -> list[Job]:
                return [j for j in plan().jobs if j.video in lineups and j.problem is None]

            flow = Jobs(lambda: arriving(there))
        # Closed also if telling an outcome fails, or workers would go on until it is collected.
        done = closing(_here(flow, batch) if workers is None else workers(flow, batch))
        with done as outcomes_there, progress.task("files", len(jobs) or None, "files") as task:
            for outcome in outcomes_there:
                tell(outcome)
                task.expect(len(jobs) or None)  # files come and go meanwhile
                task.advance()
            task.expect(len(jobs) or None)
        for stranger in strangers:
            tell(Outcome(str(stranger.path), "", "unread", error=stranger.why, kind=stranger.kind))
    return outcomes


def _here(jobs: Jobs, batch: Batch) -> Generator[Outcome]:
    yield from map(batch.one, jobs)


def _for_kind(request: Request, *, video: bool) -> Request:
    """What of a request concerns pictures, or videos, where a batch may hold both.

    A format is that of one kind, and says nothing about the other. The quality is that of
    pictures: a low quality for JPEGs should not degrade videos as well.
    """
    pictures = picture_format(request.format)
    if not video:
        return request.model_copy(update={"format": pictures})
    return request.model_copy(
        update={"format": request.format if pictures is None else None, "quality": None}
    )


def _settings(
    target: Target, request: Request, lineup: Lineup, at_hand: AtHand, *, video: bool
) -> dict[str, Any]:
    """Everything that a result depends on beside its source, named for a person."""
    kind = (
        {"codec": request.codec, "crf": request.crf, "preset": request.preset}
        if video
        else {"quality": request.quality}
    )
    files = ModelFiles(at_hand)
    models = [files[at_hand.name_of(model)] for model in lineup.candidates(target)]
    return {
        "size": f"{target.label}{', fit' if target.fit else ''}",
        "models": [[model.card.name, model.sha256] for model in models],
        "strength": lineup.strength,
        **kind,
        "metadata": not request.strip_metadata,
        **request.further(),
    }
