"""A batch on a cluster: the same files, requests and records as on one machine."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import crispen
from crispen.cluster.clips import Clips
from crispen.cluster.connection import connected
from crispen.cluster.drafts import Drafts
from crispen.cluster.parcel import pack
from crispen.cluster.pictures import Pictures
from crispen.cluster.pool import Pool, Task
from crispen.cluster.share import Share, share_of
from crispen.cluster.worker import Setup
from crispen.enhance import batch as batches
from crispen.enhance.enhancer import DEFAULT_MEMORY_BYTES
from crispen.enhance.file_work import Batch
from crispen.enhance.outcome import Options, Outcome
from crispen.enhance.results import Job
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

    def workers(jobs: Iterable[Job], batch: Batch) -> Iterator[Outcome]:
        return worked_off(jobs, batch, address)

    return batches.enhance_all(inputs, output, options, progress, report, workers, keep=keep)


def worked_off(jobs: Iterable[Job], batch: Batch, address: str) -> Iterator[Outcome]:
    """What became of each file, in the order in which they are done."""
    far: list[Job] = []
    for job in jobs:
        pipes = job.source is None or job.result is None or is_pipe(job.source)
        # What comes and goes through pipes does so here; so does what is only here a video.
        if pipes or (job.video and job.source is not None and is_picture(job.source)):
            yield batch.one(job)
        else:
            far.append(job)
    if not far:
        return
    told: deque[Outcome] = deque()
    drafts = Drafts()
    pictures = Pictures([j for j in far if not j.video], batch, drafts, told.append)
    clips = Clips([j for j in far if j.video], batch, told.append)
    with connected(address) as ray:
        pool = Pool(ray, _setup(batch, far), _share(batch.options))
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


def _setup(batch: Batch, jobs: Sequence[Job]) -> Setup:
    threads = batch.options.threads or 1
    settings = {video: record.settings for video, record in batch.records.items()}
    return Setup(
        crispen.__version__,
        replace(batch.options, at_hand=None, threads=threads),
        dict(batch.requests),
        batch.target,
        settings,
        pack(batch.at_hand),
        _roots(jobs),
    )


def _roots(jobs: Sequence[Job]) -> tuple[Path, ...]:
    """The folders of the sources, as few as possible; those of results are made on the way."""
    return (Path(os.path.commonpath([str(_folder(job)) for job in jobs])),)


def _folder(job: Job) -> Path:
    assert job.source is not None
    return job.source.absolute().parent


def _share(options: Options) -> Share:
    memory_bytes = options.memory_bytes or DEFAULT_MEMORY_BYTES
    return share_of(options.device, options.threads, memory_bytes)
