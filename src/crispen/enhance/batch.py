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

import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from crispen.enhance.chain import Lineup
from crispen.enhance.enhancer import Enhancer
from crispen.enhance.inputs import plan_jobs
from crispen.enhance.kinds import check_kinds
from crispen.enhance.modelfile import ModelFiles
from crispen.enhance.naming import check_format, picture_format
from crispen.enhance.plan import check
from crispen.enhance.record import NAME, Record
from crispen.enhance.request import Request
from crispen.enhance.results import Job
from crispen.enhance.target import Target
from crispen.errors import Cancelled, CrispenError, OutputError, UsageError
from crispen.media.image import is_image_name
from crispen.media.picture.byte_source import is_pipe, read_pipe
from crispen.models.athand import AtHand
from crispen.progress import Progress

log = logging.getLogger(__name__)

Status = Literal["done", "skipped", "failed", "unread"]


@dataclass(frozen=True, slots=True)
class Options:
    """What holds for all files of a batch.

    Attributes:
        request: What is wanted.
        at_hand: The models that it names; those that ship and the user's own unless given.
        device: What networks run on.
        memory_bytes: Budget of tiles.
        threads: Maximum number of CPU threads.
        tile_px: Side of square tiles, instead of a choice by memory.
        max_pixels: Refuse pictures of more.
        recursive: Look into folders below folders.
        resume: Skip finished results; None for what `overwrite` implies.
        overwrite: Replace results that exist.
    """

    request: Request = field(default_factory=Request)
    at_hand: AtHand | None = None
    device: str = "auto"
    memory_bytes: int | None = None
    threads: int | None = None
    tile_px: int | None = None
    max_pixels: int | None = None
    keep_damaged: bool = False
    recursive: bool = False
    resume: bool | None = None
    overwrite: bool = False

    @property
    def resumes(self) -> bool:
        """Whether finished results are skipped: by default, if none is overwritten."""
        return not self.overwrite if self.resume is None else self.resume


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file.

    Attributes:
        source: The file as typed or found; ``-`` is standard input.
        target: Where the result is or would be; empty if it never got so far.
        status: ``done``, ``skipped`` (was there already), ``failed``, or ``unread`` for a file in a
            folder that is of no format that is read.
        source_size: Width and height.
        target_size: Width and height.
        frames: Of an animation or video.
        models: Names of the networks that ran, in order.
        codec: Of a video.
        seconds: Time it took.
        error: One line, if it failed or is not read.
        kind: What an unread file is, in a word.
        notes: What a person should know about the result.
        shrinks_back: See `crispen.enhance.enhancer.Enhanced`.
        exit_code: What this alone would end the command with.
    """

    source: str
    target: str
    status: Status
    source_size: tuple[int, int] | None = None
    target_size: tuple[int, int] | None = None
    frames: int = 1
    seconds: float = 0.0
    error: str = ""
    kind: str = ""
    notes: tuple[str, ...] = ()
    shrinks_back: float | None = None
    exit_code: int = 0
    models: tuple[str, ...] = ()
    codec: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain types, for ``--json``."""
        return {**asdict(self), "seconds": round(self.seconds, 3)}


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """0 if all went well, 2 if everything failed by wrong usage, else 1."""
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if not failed:
        return 0
    usage = all(outcome.exit_code == UsageError.exit_code for outcome in failed)
    return UsageError.exit_code if usage and len(failed) == len(outcomes) else 1


def enhance_all(
    inputs: Sequence[str],
    output: str | None = None,
    options: Options | None = None,
    progress: Progress | None = None,
    report: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Enhance files, folders, globs, or standard input.

    Args:
        inputs: What to enhance; ``-`` reads standard input.
        output: A file for one input, else a folder in which the tree is mirrored; ``-`` writes to
            standard output. None puts ``NAME.x2.EXT`` beside each source.
        options: What holds for all.
        progress: Receives progress events; can cancel.
        report: Called with each outcome as soon as it is known.

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
        jobs, problems, strangers = plan_jobs(
            inputs,
            output,
            label=enhancer.label(target),
            format=request.format,
            recursive=options.recursive,
            is_picture=is_image_name,
            is_video=is_video_name,
        )
        kinds = {job.video for job in jobs} or {False, True}
        check_kinds(request, ["video" if video else "image" for video in kinds])
        if request.format is not None:
            check_format(request.format, pictures=False in kinds, videos=True in kinds)
        lineups = {False: enhancer.lineup}
        if any(job.video for job in jobs):
            lineups[True] = check(requests[True], "video", at_hand)
        for text, error in problems:
            tell(Outcome(text, "", "failed", error=str(error), exit_code=error.exit_code))
        records = {
            video: Record(_settings(target, requests[video], lineup, at_hand, video=video))
            for video, lineup in lineups.items()
        }
        batch = _Batch(options, requests, at_hand, enhancer, target, progress)
        with progress.task("files", len(jobs), "files") as task:
            for job in jobs:
                tell(_one(job, batch, records[job.video]))
                task.advance()
        for stranger in strangers:
            tell(Outcome(str(stranger.path), "", "unread", error=stranger.why, kind=stranger.kind))
    return outcomes


@dataclass(frozen=True, slots=True)
class _Batch:
    """What each file of a batch needs."""

    options: Options
    requests: Mapping[bool, Request]
    at_hand: AtHand
    enhancer: Enhancer
    target: Target
    progress: Progress


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


def _one(job: Job, batch: _Batch, record: Record) -> Outcome:
    options, progress = batch.options, batch.progress
    request = batch.requests[job.video]
    began = time.monotonic()

    def outcome(status: Status, **more: Any) -> Outcome:
        seconds = time.monotonic() - began
        return Outcome(job.source_name, job.result_name, status, seconds=seconds, **more)

    progress.check()
    try:
        if _finished(job, options, record):
            return outcome("skipped")
        if job.result is not None:
            _make_room(job.result, options.overwrite)
        if job.video:
            return _noted(job, record, _video(job, batch, outcome))
        done = batch.enhancer.enhance_file(
            _source(job.source, progress),
            sys.stdout.buffer if job.result is None else job.result,
            batch.target,
            format=request.format,
            quality=request.quality,
            overwrite=options.overwrite,
            strip_metadata=request.strip_metadata,
            max_pixels=options.max_pixels,
            keep_damaged=options.keep_damaged,
            progress=progress,
        )
        return _noted(
            job,
            record,
            outcome(
                "done",
                source_size=done.source,
                target_size=done.result,
                frames=done.frames,
                models=done.models,
                notes=done.notes,
                shrinks_back=done.shrinks_back,
            ),
        )
    except Cancelled:
        raise
    except CrispenError as error:
        log.debug("%s failed", job.source_name, exc_info=True)
        return outcome("failed", error=_line(str(error)), exit_code=error.exit_code)
    except Exception as error:  # a fault of ours in one file must not cost the others
        log.debug("%s failed", job.source_name, exc_info=True)
        text = _line(f"{job.source_name}: unexpected {type(error).__name__}: {error}")
        return outcome("failed", error=text, exit_code=1)


def _source(path: Path | None, progress: Progress) -> Path | bytes:
    """Where a picture is read from; what comes through a pipe can only be read once."""
    if path is None:
        return sys.stdin.buffer.read()
    return read_pipe(path, progress.check) if is_pipe(path) else path


def _line(text: str) -> str:
    return " ".join(text.split())


def _finished(job: Job, options: Options, record: Record) -> bool:
    """Whether the result is there, made just so.

    Raises:
        OutputError: It is there, made otherwise, and may not be replaced.
    """
    if not options.resumes or job.named or job.source is None or job.result is None:
        return False
    if not (job.result.is_file() and job.source.is_file()):
        return False
    difference = record.difference(job.source, job.result)
    if difference and not options.overwrite:
        raise OutputError(
            f"{job.result}: exists already, {difference}; add --overwrite to make it again, or "
            "choose another -o"
        )
    return not difference


def _noted(job: Job, record: Record, outcome: Outcome) -> Outcome:
    """The outcome of a finished file, after a note of how it was made."""
    if job.named or job.source is None or job.result is None or is_pipe(job.source):
        return outcome
    try:
        record.add(job.source, job.result)
    except OSError as error:
        note = f"{NAME} cannot be written ({error.strerror}), so a next run will not skip this file"
        return replace(outcome, notes=(*outcome.notes, note))
    return outcome


def _make_room(result: Path, overwrite: bool) -> None:
    if result.is_dir():
        raise OutputError(f"{result}: is a folder; name a file")
    if result.exists() and not overwrite:
        raise OutputError(f"{result}: exists already; add --overwrite to replace it")
    try:
        result.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{result.parent}: cannot be made ({error.strerror}); choose another -o"
        ) from error


def _video(job: Job, batch: _Batch, outcome: Callable[..., Outcome]) -> Outcome:
    from crispen.enhance.video.making import make_video

    assert job.source is not None
    assert job.result is not None
    options = batch.options
    done = make_video(
        job.source,
        job.result,
        batch.requests[True],
        batch.at_hand,
        device=options.device,
        threads=options.threads,
        memory_bytes=options.memory_bytes,
        overwrite=options.overwrite,
        resume=options.resume is not False,
        progress=batch.progress,
    )
    resumed = (
        (f"continued an interrupted run, which had done {done.resumed_frames} of the frames",)
        if done.resumed_frames
        else ()
    )
    return outcome(
        "done",
        source_size=done.source_size,
        target_size=done.target_size,
        frames=done.frames,
        models=done.models,
        codec=done.codec,
        notes=(*resumed, *done.notes),
    )
