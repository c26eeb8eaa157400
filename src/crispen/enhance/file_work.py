"""One file of a batch, from its name to its result: looked for, made, and noted.

`Batch.one` does all of it. A cluster does the parts in different places: the machine that was asked
looks for finished results and gives new ones their names, and others make them.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from crispen.enhance.enhancer import Enhancer
from crispen.enhance.outcome import Options, Outcome
from crispen.enhance.record import NAME, Record
from crispen.enhance.request import Request
from crispen.enhance.results import Job
from crispen.enhance.target import Target
from crispen.errors import Cancelled, CrispenError, OutputError
from crispen.media.picture.byte_source import is_pipe, read_pipe
from crispen.models.athand import AtHand
from crispen.progress import Progress

if TYPE_CHECKING:
    from crispen.enhance.video.making import VideoReport

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """What each file of a batch needs.

    Attributes:
        options: What holds for all.
        requests: What of the request concerns pictures (False) and videos (True).
        at_hand: The models that it names.
        enhancer: Of pictures.
        target: How large they become.
        records: How results are made, by `Job.video`.
        progress: Reports how far it is; can cancel.
    """

    options: Options
    requests: Mapping[bool, Request]
    at_hand: AtHand
    enhancer: Enhancer
    target: Target
    records: Mapping[bool, Record]
    progress: Progress

    def one(self, job: Job) -> Outcome:
        """What became of a file, after all was done for it.

        Raises:
            Cancelled: It was stopped.
        """
        self.progress.check()
        return attempt(job, lambda: self.begin(job) or self.finish(job, self.make(job)))

    def begin(self, job: Job) -> Outcome | None:
        """The outcome if there is nothing to do; otherwise there is room for the result.

        Raises:
            CrispenError: The job's own problem.
            OutputError: The result is there, made otherwise, and may not be replaced; or it cannot
                be written.
        """
        if job.problem is not None:
            raise job.problem
        if _finished(job, self.options, self.records[job.video]):
            return Outcome(job.source_name, job.result_name, "skipped")
        if job.result is not None:
            _make_room(job.result, self.options.overwrite)
        return None

    def make(self, job: Job) -> Outcome:
        """The outcome after the result was written.

        Raises:
            CrispenError: Why there is none.
        """
        return self._video(job) if job.video else self._picture(job)

    def finish(self, job: Job, outcome: Outcome) -> Outcome:
        """The outcome of a finished file, after a note of how it was made."""
        if job.named or job.source is None or job.result is None or is_pipe(job.source):
            return outcome
        try:
            self.records[job.video].add(job.source, job.result)
        except OSError as error:
            note = (
                f"{NAME} cannot be written ({error.strerror}), so a next run will not skip this "
                "file"
            )
            return replace(outcome, notes=(*outcome.notes, note))
        return outcome

    def video_request(self, job: Job) -> Request:
        """What of the request concerns a video."""
        request = self.requests[True]
        if not job.animated:
            return request
        return request.model_copy(update={"quality": self.options.request.quality})

    def _picture(self, job: Job) -> Outcome:
        request, options = self.requests[False], self.options
        done = self.enhancer.enhance_file(
            _source(job.source, self.progress),
            sys.stdout.buffer if job.result is None else job.result,
            self.target,
            format=request.format,
            quality=request.quality,
            overwrite=options.overwrite,
            strip_metadata=request.strip_metadata,
            max_pixels=options.max_pixels,
            keep_damaged=options.keep_damaged,
            progress=self.progress,
        )
        return Outcome(
            job.source_name,
            job.result_name,
            "done",
            source_size=done.source,
            target_size=done.result,
            frames=done.frames,
            models=done.models,
            notes=done.notes,
            shrinks_back=done.shrinks_back,
        )

    def _video(self, job: Job) -> Outcome:
        from crispen.enhance.video.making import make_video

        assert job.source is not None
        assert job.result is not None
        options = self.options
        done = make_video(
            job.source,
            job.result,
            self.video_request(job),
            self.at_hand,
            device=options.device,
            threads=options.threads,
            memory_bytes=options.memory_bytes,
            overwrite=options.overwrite,
            resume=options.resume is not False,
            progress=self.progress,
        )
        return video_outcome(job, done)


def video_outcome(job: Job, done: VideoReport) -> Outcome:
    """What became of a video."""
    resumed = (
        (f"continued an interrupted run, which had done {done.resumed_frames} of the frames",)
        if done.resumed_frames
        else ()
    )
    return Outcome(
        job.source_name,
        job.result_name,
        "done",
        source_size=done.source_size,
        target_size=done.target_size,
        frames=done.frames,
        models=done.models,
        codec=done.codec,
        notes=(*resumed, *done.notes),
    )


def attempt(job: Job, work: Callable[[], Outcome]) -> Outcome:
    """What `work` says, or that it failed; with the time it took.

    Raises:
        Cancelled: It was stopped.
    """
    began = time.monotonic()
    try:
        done = work()
    except Cancelled:
        raise
    except CrispenError as error:
        log.debug("%s failed", job.source_name, exc_info=True)
        done = failed(job, str(error), error.exit_code)
    except Exception as error:  # a fault of ours in one file must not cost the others
        log.debug("%s failed", job.source_name, exc_info=True)
        done = failed(job, f"{job.source_name}: unexpected {type(error).__name__}: {error}")
    return replace(done, seconds=time.monotonic() - began)


def failed(job: Job, text: str, exit_code: int = 1) -> Outcome:
    """The outcome of a file that failed."""
    return Outcome.failure(job.source_name, job.result_name, text, exit_code)


def _source(path: Path | None, progress: Progress) -> Path | bytes:
    """Where a picture is read from; what comes through a pipe can only be read once."""
    if path is None:
        return sys.stdin.buffer.read()
    return read_pipe(path, progress.check) if is_pipe(path) else path


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
