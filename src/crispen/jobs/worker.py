"""Runs one job: enhances its source into its result, in the job's own folder."""

from __future__ import annotations

import contextlib
import shutil
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crispen.enhance.plan import Plan, check, plan, result_format
from crispen.enhance.request import Kind, Request
from crispen.enhance.source import Source as PlainSource
from crispen.errors import CrispenError, InputError, OutputError
from crispen.jobs.contents import JobResult, Source
from crispen.jobs.error_texts import for_everyone
from crispen.jobs.file_kinds import suffix_and_type, viewable_picture
from crispen.jobs.job import Job
from crispen.media.format_choice import video_of
from crispen.models.athand import AtHand
from crispen.models.store import Known
from crispen.progress import Progress

if TYPE_CHECKING:
    from crispen.enhance.enhancer import Enhancer

SOURCE = "source"
_OPEN_AT_ONCE = 3


@dataclass(frozen=True, slots=True)
class Bench:
    """How a worker works.

    Attributes:
        jobs: Folder of the jobs' folders.
        device: What networks run on.
        threads: CPU threads.
        memory_bytes: Budget of tiles.
        max_pixels: Of a picture, all frames.
        max_result_pixels: Of its result, all frames.
    """

    jobs: Path
    device: str
    threads: int
    memory_bytes: int
    max_pixels: int
    max_result_pixels: int


def result_path(folder: Path, job: Job) -> Path:
    """Where a job's result is, or will be."""
    format = result_format(job.options, job.source)
    return folder / f"result{suffix_and_type(format)[0]}"


def plan_job(
    request: Request,
    source: Source,
    models: Iterable[Known] | None = None,
    *,
    max_pixels: int | None = None,
) -> Plan:
    """What will be done for a job, with the models that are at hand now.

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


def clean(folder: Path) -> None:
    """Leave nothing in a job's folder but its source."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != SOURCE:
                path.unlink(missing_ok=True)


class Worker:
    """Does jobs; keeps its engines open from one to the next."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._open: OrderedDict[tuple[Any, ...], Enhancer] = OrderedDict()

    def do(self, job: Job, progress: Progress) -> tuple[JobResult, tuple[str, ...]]:
        """The result, in its place, and the networks that ran.

        Raises:
            CrispenError: Why it cannot be done.
            Cancelled: It was cancelled.
        """
        folder = self._bench.jobs / job.id
        source, target = folder / SOURCE, result_path(folder, job)
        if not source.is_file():
            raise InputError(f"{job.name}: the uploaded file is no longer there; upload it again")
        if job.source.kind == "image":
            clean(folder)  # of an attempt whose worker was killed
        if job.source.kind == "video":
            return self._video(job, source, target, progress)
        return self._picture(job, source, target, progress)

    def close(self) -> None:
        """Give engines back."""
        while self._open:
            self._open.popitem()[1].close()

    def _picture(
        self, job: Job, source: Path, target: Path, progress: Progress
    ) -> tuple[JobResult, tuple[str, ...]]:
        planned = job.plan or plan_job(job.options, job.source)
        done = self._enhancer(planned).enhance_file(
            source,
            target,
            planned.target,
            format=planned.format,
            quality=job.options.quality,
            overwrite=True,
            strip_metadata=job.options.strip_metadata,
            max_pixels=self._bench.max_pixels,
            progress=progress,
        )
        result = self._result(
            job, target, planned.label, done.result, done.frames, (*planned.notes, *done.notes)
        )
        viewable = viewable_picture(planned.format, *done.result)
        return result.model_copy(update={"viewable": viewable}), done.models

    def _video(
        self, job: Job, source: Path, target: Path, progress: Progress
    ) -> tuple[JobResult, tuple[str, ...]]:
        from crispen.enhance.video.making import make_video

        # The segments of a killed attempt are inside the folder; the work continues after them.
        done = make_video(
            source,
            target,
            job.options,
            AtHand(),
            plan=job.plan,
            device=self._bench.device,
            threads=self._bench.threads,
            memory_bytes=self._bench.memory_bytes,
            overwrite=True,
            progress=progress,
        )
        web = done.codec in video_of(target.suffix).browsers and done.pixel_format == "yuv420p"
        result = self._result(job, target, done.label, done.target_size, done.frames, done.notes)
        return result.model_copy(update={"viewable": web}), done.models

    def _result(
        self,
        job: Job,
        target: Path,
        label: str,
        size: tuple[int, int],
        frames: int,
        notes: tuple[str, ...],
    ) -> JobResult:
        stem = job.name.rpartition(".")[0] or job.name
        try:
            size_bytes = target.stat().st_size
        except OSError as error:
            raise OutputError(f"{job.name}: its result went away while it was written") from error
        return JobResult(
            name=f"{stem}.{label}{target.suffix}",
            type=suffix_and_type(result_format(job.options, job.source))[1],
            width=size[0],
            height=size[1],
            frames=frames,
            bytes=size_bytes,
            notes=[for_everyone(note) for note in notes],
            viewable=True,
        )

    def _enhancer(self, planned: Plan) -> Enhancer:
        from crispen.enhance.enhancer import Enhancer

        # A model that was replaced under its name is another one.
        key = (*planned.models, planned.dials, planned.strength, *_stamps())
        found = self._open.pop(key, None)
        if found is None:
            found = Enhancer(
                planned.models,
                strength=planned.strength if planned.strength < 1 else None,
                dials=planned.dials,
                device=self._bench.device,
                threads=self._bench.threads,
                memory_bytes=self._bench.memory_bytes,
            )
        self._open[key] = found
        while len(self._open) > _OPEN_AT_ONCE:
            self._open.popitem(last=False)[1].close()
        return found


def _stamps() -> tuple[int, ...]:
    from crispen.models.store import user_folder

    try:
        return (user_folder().stat().st_mtime_ns,)
    except OSError:
        return ()
