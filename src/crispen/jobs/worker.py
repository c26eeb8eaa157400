"""Runs one job: enhances its source into its result, in the job's own folder."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crispen.enhance.plan import Plan, result_format
from crispen.errors import InputError, OutputError
from crispen.jobs.error_texts import for_everyone
from crispen.jobs.file_kinds import suffix_and_type, viewable_picture
from crispen.jobs.job import Job
from crispen.jobs.job_facts import JobResult
from crispen.jobs.job_folder import SOURCE, clean, result_path
from crispen.jobs.job_plans import plan_job
from crispen.media.format_choice import animation_of, video_of
from crispen.media.video.video_codec import codec_family
from crispen.models.athand import AtHand
from crispen.progress import Progress

if TYPE_CHECKING:
    from crispen.enhance.enhancer import Enhancer

_OPEN_AT_ONCE = 3


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """Resources of a worker.

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


class Worker:
    """Runs jobs; keeps its engines open between them."""

    def __init__(self, limits: WorkerLimits) -> None:
        self._limits = limits
        self._open: OrderedDict[tuple[Any, ...], Enhancer] = OrderedDict()

    def do(self, job: Job, progress: Progress) -> tuple[JobResult, tuple[str, ...]]:
        """The finished result and the networks that ran.

        Raises:
            CrispenError: Why it cannot be done.
            Cancelled: It was cancelled.
        """
        folder = self._limits.jobs / job.id
        source, target = folder / SOURCE, result_path(folder, job)
        if not source.is_file():
            raise InputError(f"{job.name}: the uploaded file is no longer there; upload it again")
        if job.kind == "image":
            clean(folder)  # left by an attempt whose worker was killed
        if job.kind == "video":
            return self._video(job, source, target, progress)
        return self._picture(job, source, target, progress)

    def close(self) -> None:
        """Release the engines."""
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
            max_pixels=self._limits.max_pixels,
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
            device=self._limits.device,
            threads=self._limits.threads,
            memory_bytes=self._limits.memory_bytes,
            overwrite=True,
            progress=progress,
        )
        if animation_of(target) is not None:
            web = False  # it is compared with a video, which plays a frame at a time
        else:
            played = codec_family(done.codec) in video_of(target.suffix).browsers
            web = played and done.pixel_format == "yuv420p"
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
            raise OutputError(
                f"{job.name}: its result was deleted while it was being written"
            ) from error
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

        # A model replaced under the same name is a different model.
        key = (*planned.models, planned.dials, planned.strength, *_stamps())
        found = self._open.pop(key, None)
        if found is None:
            found = Enhancer(
                planned.models,
                strength=planned.strength if planned.strength < 1 else None,
                dials=planned.dials,
                device=self._limits.device,
                threads=self._limits.threads,
                memory_bytes=self._limits.memory_bytes,
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
