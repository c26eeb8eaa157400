"""A batch on a cluster: the same files, requests and records as on one machine."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import crispen
from crispen.cluster.clips import Clips
from crispen.cluster.connection import connected
from crispen.cluster.drafts import Drafts
from crispen.cluster.head import Head
from crispen.cluster.parcel import pack
from crispen.cluster.pictures import Pictures
from crispen.cluster.pool import Pool, Task
from crispen.cluster.share import Share, share_of
from crispen.cluster.worker import Setup, Worker
from crispen.enhance import batch as batches
from crispen.enhance.enhancer import DEFAULT_MEMORY_BYTES
from crispen.enhance.file_work import Batch
from crispen.enhance.inputs import Jobs
from crispen.enhance.outcome import Options, Outcome
from crispen.enhance.results import Job
from crispen.errors import CrispenError
from crispen.media.picture.byte_source import is_pipe
from crispen.media.video.animation import is_picture
from crispen.progress import Progress
from crispen.progress import Task as Shown


def enhance_all(
    inputs: Sequence[str],
    output: str | None = None,
    options: Options | None = None,
    progress: Progress | None = None,
    report: Callable[[Outcome], None] | None = None,
    *,
    address: str,
    keep: bool = True,
) -> list[Outcome]:
    """Enhance files on a cluster; see `crispen.enhance.batch.enhance_all`.

    The folders of inputs and results must be seen by all machines under the same names.

    Args:
        inputs: What to enhance.
        output: Where to.
        options: What holds for all; `threads` is what each worker has, 1 unless given.
        progress: Receives progress events; can cancel.
        report: Called with each outcome as soon as it is known.
        address: Of the cluster; see `connection.connected`.
        keep: Return all outcomes; otherwise they are only reported.
    """

    def workers(jobs: Jobs, batch: Batch) -> Generator[Outcome]:
        return worked_off(jobs, batch, address)

    return batches.enhance_all(inputs, output, options, progress, report, workers, keep=keep)


def worked_off(jobs: Jobs, batch: Batch, address: str) -> Generator[Outcome]:
    """What became of each file, in the order in which they are done."""
    stayed = Counter[bool]()
    for job in jobs if jobs.typed or jobs.count(video=True) else ():
        if _stays(job):
            stayed[job.video] += 1
            yield batch.one(job)
    videos, others = (jobs.count(video=video) - stayed[video] for video in (True, False))
    if not videos and not others:
        return
    told: deque[Outcome] = deque()
    drafts = Drafts()
    pictures = Pictures(_sent(jobs, others, video=False), others, batch, drafts, told.append)
    clips = Clips(_sent(jobs, videos, video=True), videos, batch, told.append)
    with connected(address) as ray:
        head = Head(ray, address)
        pool = Pool(ray, Worker, _setup(batch, jobs.folders), _share(batch.options), head)
        nodes = _Nodes(batch.progress)
        try:
            for _ in pool.run(_Both(clips, pictures)):
                batch.progress.check()
                yield from nodes.counted(told)
            yield from nodes.counted(told)
        finally:
            pool.close()
            clips.close()
            drafts.close()
            nodes.close()


def _stays(job: Job) -> bool:
    """Whether it is done here: what comes and goes through pipes, and what is only here a video."""
    if job.source is None or job.result is None or is_pipe(job.source):
        return True
    with suppress(CrispenError):  # who reads it says why it cannot be read
        return job.video and is_picture(job.source)
    return False


def _sent(jobs: Jobs, count: int, *, video: bool) -> Iterator[Job]:
    """The jobs of a kind that others do."""
    return (job for job in (jobs if count else ()) if job.video == video and not _stays(job))


class _Both:
    """Videos and pictures; the long work first, and the short fills the gaps at the end."""

    def __init__(self, clips: Clips, pictures: Pictures) -> None:
        self._supplies = (clips, pictures)

    @property
    def finished(self) -> bool:
        return all(supply.finished for supply in self._supplies)

    @property
    def hurries(self) -> bool:
        return any(supply.hurries for supply in self._supplies)

    @property
    def most(self) -> int:
        return sum(supply.most for supply in self._supplies)

    def next(self, workers: int) -> Task | None:
        for supply in self._supplies:
            task = supply.next(workers)
            if task is not None:
                return task
        return None

    def tick(self) -> None:
        for supply in self._supplies:
            supply.tick()


class _Nodes:
    """Which machine does how much, as progress."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, Shown] = {}

    def counted(self, told: deque[Outcome]) -> Iterator[Outcome]:
        while told:
            outcome = told.popleft()
            yield outcome
            for node in filter(None, outcome.node.split(", ")):
                if node not in self._tasks:
                    self._tasks[node] = self._progress.task(f"on {node}", None, "files")
                    self._tasks[node].__enter__()
                self._tasks[node].advance()

    def close(self) -> None:
        for task in self._tasks.values():
            task.__exit__(None, None, None)


def _setup(batch: Batch, folders: Sequence[Path]) -> Setup:
    threads = batch.options.threads or 1
    settings = {video: record.settings for video, record in batch.records.items()}
    return Setup(
        crispen.__version__,
        replace(batch.options, at_hand=None, threads=threads),
        dict(batch.requests),
        batch.target,
        settings,
        pack(batch.at_hand),
        # One that holds all; those of results are made on the way.
        (Path(os.path.commonpath([folder.absolute() for folder in folders])),),
    )


def _share(options: Options) -> Share:
    memory_bytes = options.memory_bytes or DEFAULT_MEMORY_BYTES
    return share_of(options.device, options.threads, memory_bytes)
