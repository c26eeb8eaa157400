"""One job done: its source enhanced into its result, in the job's own folder."""

from __future__ import annotations

import contextlib
import shutil
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crispen.errors import InputError, OutputError
from crispen.jobs.choice import Choice, choose
from crispen.jobs.job import Job
from crispen.jobs.kinds import result_format, suffix_and_type, viewable_picture
from crispen.jobs.options import Result
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

    def do(self, job: Job, progress: Progress) -> tuple[Result, tuple[str, ...]]:
        """The result, in its place, and the networks that ran.

        Raises:
            CrispenError: Why it cannot be done.
            Cancelled: Somebody stopped it.
        """
        from crispen.models.store import list_cards

        folder = self._bench.jobs / job.id
        source, target = folder / SOURCE, result_path(folder, job)
        if not source.is_file():
            raise InputError(f"{job.name}: the uploaded file is no longer there; upload it again")
        if job.source.kind == "image":
            clean(folder)  # of an attempt whose worker was killed
        choice = choose(job.options, job.source.kind, [card for _, card in list_cards()])
        if job.source.kind == "video":
            return self._video(job, source, target, choice, progress)
        return self._picture(job, source, target, choice, progress)

    def close(self) -> None:
        """Give engines back."""
        while self._open:
            self._open.popitem()[1].close()

    def _picture(
        self, job: Job, source: Path, target: Path, choice: Choice, progress: Progress
    ) -> tuple[Result, tuple[str, ...]]:
        format = result_format(job.options, job.source)
        done = self._enhancer(choice, job.options.strength).enhance_file(
            source,
            target,
            choice.target,
            format=format,
            quality=job.options.quality,
            overwrite=True,
            strip_metadata=job.options.strip_metadata,
            max_pixels=self._bench.max_pixels,
            progress=progress,
        )
        width, height = done.result
        return self._result(job, target, choice, done.result, done.frames, done.notes).model_copy(
            update={"viewable": viewable_picture(format, width, height)}
        ), done.models

    def _video(
        self, job: Job, source: Path, target: Path, choice: Choice, progress: Progress
    ) -> tuple[Result, tuple[str, ...]]:
        from crispen.enhance.video import enhance_video

        wish, options = choice.target, job.options
        more: dict[str, Any] = {}
        if options.quality is not None:
            # 100 is CRF 10, which nobody tells from the source; 50 is CRF 32.
            more["crf"] = round(10 + (100 - options.quality) * 0.44)
        # The segments of a killed attempt are inside the folder; the work goes on after them.
        done = enhance_video(
            source,
            target,
            wish.scale,
            size=(wish.width, wish.height) if wish.sized else None,
            fit=wish.fit,
            model=list(choice.models),
            strength=options.strength,
            codec=options.codec,
            device=self._bench.device,
            threads=self._bench.threads,
            memory_bytes=self._bench.memory_bytes,
            overwrite=True,
            strip_metadata=options.strip_metadata,
            progress=progress,
            **more,
        )
        web = done.codec in ("h264", "vp9", "av1") and done.pixel_format == "yuv420p"
        result = self._result(job, target, choice, done.target_size, done.frames, done.notes)
        return result.model_copy(
            update={"viewable": web and target.suffix in (".mp4", ".webm", ".mov")}
        ), done.models

    def _result(
        self,
        job: Job,
        target: Path,
        choice: Choice,
        size: tuple[int, int],
        frames: int,
        notes: tuple[str, ...],
    ) -> Result:
        stem = job.name.rpartition(".")[0] or job.name
        try:
            size_bytes = target.stat().st_size
        except OSError as error:
            raise OutputError(f"{job.name}: its result went away while it was written") from error
        return Result(
            name=f"{stem}.{choice.label}{target.suffix}",
            type=suffix_and_type(result_format(job.options, job.source))[1],
            width=size[0],
            height=size[1],
            frames=frames,
            bytes=size_bytes,
            notes=list(notes),
            viewable=True,
        )

    def _enhancer(self, choice: Choice, strength: float | None) -> Enhancer:
        from crispen.enhance.enhancer import Enhancer

        # A model that was replaced under its name is another one.
        key = (*choice.models, strength, *_stamps())
        found = self._open.pop(key, None)
        if found is None:
            found = Enhancer(
                choice.models,
                strength=strength,
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
