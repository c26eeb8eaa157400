"""Videos as tasks: runs of segments, which many workers make at the same time.

A run decodes all that comes before it, so runs are long at first and short at the end, when
everybody should end together. Segments are taken over one by one as they become whole, so that a
worker that ends costs no more than the one it was making.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from crispen.cluster.segment_work import DONE, Failure, SegmentWork, draft_of
from crispen.cluster.stream import Stream
from crispen.cluster.tries import Tries
from crispen.engines.devices import usable_cores
from crispen.enhance.file_work import Batch, attempt, failed, video_outcome
from crispen.enhance.modelfile import ModelFiles
from crispen.enhance.outcome import Outcome
from crispen.enhance.results import Job
from crispen.enhance.video.making import SEGMENT_S, decide
from crispen.enhance.video.part import about_frames
from crispen.enhance.video.segment_run import kept
from crispen.enhance.video.segments import Ending, Parts
from crispen.errors import CrispenError

Tell = Callable[[Outcome], None]


class Clips:
    """All videos of a batch; see `pool.Supply`.

    Args:
        jobs: Which; taken one by one.
        count: About how many there are.
        batch: What they need.
        tell: Called with each outcome.
    """

    hurries = False

    def __init__(self, jobs: Iterable[Job], count: int, batch: Batch, tell: Tell) -> None:
        self._batch = batch
        self._tell = tell
        self._jobs = Stream(jobs, count)
        self._open: list[Clip] = []

    @property
    def finished(self) -> bool:
        """Whether all is done."""
        return not self._jobs and not self._open

    @property
    def most(self) -> int:
        """How many workers could be busy at the same time."""
        return 0 if self.finished else len(self._jobs) + sum(c.left for c in self._open)

    def next(self, workers: int) -> Run | None:
        """The next run of the first video that has one."""
        for clip in self._open:
            run = clip.next(workers)
            if run is not None:
                return run
        while self._jobs and len(self._open) <= workers:
            clip = Clip(self._jobs.popleft(), self._batch)
            early = clip.open()
            if early is not None:
                self._tell(early)
                continue
            self._open.append(clip)
            run = clip.next(workers)
            if run is not None:
                return run
        return None

    def tick(self) -> None:
        """Take over what has become whole."""
        for clip in [*self._open]:
            outcome = clip.settle()
            if outcome is not None:
                self._open.remove(clip)
                self._tell(outcome)

    def close(self) -> None:
        """Give up what is not finished; its segments stay for a next run."""
        for clip in self._open:
            clip.close()
        self._open.clear()


class Clip:
    """One video in the making.

    Args:
        job: Which.
        batch: What it needs.
    """

    def __init__(self, job: Job, batch: Batch) -> None:
        assert job.source is not None
        assert job.result is not None
        self._job = job
        self._batch = batch
        self._source, self._result = job.source, job.result
        self._stack = ExitStack()
        self._todo: deque[tuple[int, int | None]] = deque()
        self._runs: set[Run] = set()
        self._made: set[int] = set()
        self._tries: dict[int, Tries] = {}
        self._ending: Ending | None = None
        self._error: Outcome | None = None
        self._began = time.monotonic()
        self.nodes: set[str] = set()

    def open(self) -> Outcome | None:
        """Decide what will be done; the outcome if that is nothing."""
        ready = Outcome(self._job.source_name, self._job.result_name, "done")

        def begun() -> Outcome:
            early = self._batch.begin(self._job)
            if early is None:
                self._settle()
            return early or ready

        early = attempt(self._job, begun)
        if early.status == "done":
            return None
        self.close()
        return early

    def _settle(self) -> None:
        batch, options = self._batch, self._batch.options
        request = batch.video_request(self._job)
        self._decided = decide(
            self._source, self._result, request, batch.at_hand, overwrite=options.overwrite
        )
        # As one machine alone would: some encoders give other bytes with another number.
        self._threads = options.threads or usable_cores()
        files = self._stack.enter_context(ModelFiles(batch.at_hand, device=options.device))
        self._work = work = self._decided.work(files, self._threads)
        work.settle(self._decided.request)
        self._details = work.job(SEGMENT_S)
        self._parts = self._stack.enter_context(
            Parts(self._result, self._source, self._details, resume=options.resume is not False)
        )
        self._length = work.segment_frames(SEGMENT_S)
        self._resumed, self._ending = kept(work, self._parts, self._length)
        begun = len(self._parts.finished())
        self._made.update(range(begun))
        about = about_frames(work.result, work.span)
        self._about = max(begun + 1, -(-about // self._length))
        if self._ending is None:
            self._todo.append((begun, None))
        self._task = self._stack.enter_context(
            batch.progress.task(f"enhancing {self._source.name}", about or None, "frames")
        )
        self._frames, self._shown = about, self._resumed
        self._task.advance(self._resumed)

    @property
    def left(self) -> int:
        """About how many segments are not made."""
        return max(1, self._about - len(self._made))

    def next(self, workers: int) -> Run | None:
        """A run for a worker, if there is one now."""
        if self._error or not self._todo:
            return None
        first, count = self._todo.popleft()
        there = max(1, self._about - first) if count is None else count
        size = max(1, there // (2 * max(1, workers)))
        if size < there:
            self._todo.appendleft((first + size, None if count is None else count - size))
            count = size
        run = Run(self, first, count)
        self._runs.add(run)
        return run

    def work_of(self, run: Run) -> SegmentWork:
        """What a run is, for a worker, whose current folder is another one."""
        decided = replace(
            self._decided, source=self._source.absolute(), target=self._result.absolute()
        )
        return SegmentWork(
            decided,
            self._threads,
            self._details,
            self._parts.folder.absolute(),
            run.token,
            run.first,
            run.count,
            SEGMENT_S,
        )

    def collect(self, run: Run) -> None:
        """Take over the segments of a run that are whole."""
        while (
            draft := draft_of(self._parts.folder, run.next, run.token).with_suffix(DONE)
        ).exists():
            self._parts.finish(run.next, draft)
            self._made.add(run.next)
            run.next += 1
            # The last may be shorter.
            self._task.advance(max(0, min(self._length, self._frames - self._shown)))
            self._shown += self._length

    def ended(self, run: Run, answer: Ending | Failure | None, node: str) -> None:
        """A run came to its end."""
        self._runs.discard(run)
        self.nodes.add(node)
        if self._error:
            return
        self.collect(run)
        if isinstance(answer, Failure):
            self.fail(answer.text, answer.exit_code)
        elif answer is not None:
            self._ending = answer

    def interrupted(self, run: Run, *, blamed: bool, with_node: bool) -> None:
        """A run's worker ended: what it did not make is made again."""
        self._runs.discard(run)
        if self._error:
            return
        self.collect(run)
        if blamed:
            tries = self._tries.setdefault(run.next, Tries())
            if not tries.count(with_node=with_node):
                self.fail(tries.text)
                return
        count = None if run.count is None else run.first + run.count - run.next
        if count != 0:
            self._todo.appendleft((run.next, count))

    def fail(self, text: str, exit_code: int = 1) -> None:
        """It cannot be made."""
        text = text.replace(str(self._source.absolute()), self._job.source_name)
        text = text.replace(str(self._result.absolute()), self._job.result_name)
        self._error = failed(self._job, text, exit_code)

    def settle(self) -> Outcome | None:
        """Take over what is whole; the outcome if that is all."""
        outcome = self._error
        if outcome is None:
            for run in self._runs:
                self.collect(run)
            if self._ending is None or self._todo or self._runs:
                return None
            outcome = attempt(self._job, self._joined)
        self.close(outcome)
        seconds = time.monotonic() - self._began
        return replace(outcome, seconds=seconds, node=", ".join(sorted(self.nodes)))

    def _joined(self) -> Outcome:
        assert self._ending is not None
        batch = self._batch
        self._parts.write_ending(self._ending)
        strip = batch.requests[True].strip_metadata
        self._work.join(self._parts, self._ending, strip, batch.progress)
        done = self._decided.report(self._work, self._ending, self._resumed, 0.0)
        return batch.finish(self._job, video_outcome(self._job, done))

    def close(self, outcome: Outcome | None = None) -> None:
        """Leave its folder; segments stay for a next run unless it is done."""
        if outcome is not None and outcome.status == "done":
            self._stack.close()
            return
        error = CrispenError("not finished")
        self._stack.__exit__(CrispenError, error, None)


class Run:
    """Segments that follow each other; see `pool.Task`.

    Attributes:
        token: Tells its drafts from those of others.
        first: Its first segment.
        count: How many; None for all that follow.
        next: The first that is not there yet.
    """

    def __init__(self, clip: Clip, first: int, count: int | None) -> None:
        self._clip = clip
        self.token = secrets.token_hex(4)
        self.first = self.next = first
        self.count = count

    def send(self, actor: Any) -> Any:
        """Send it to a worker; Ray's reference of the answer."""
        return actor.do.remote(self.work())

    def work(self) -> SegmentWork:
        """What is sent to the worker."""
        return self._clip.work_of(self)

    def done(self, answer: Any, node: str) -> None:
        """Take over the last of them."""
        self._clip.ended(self, answer, node)

    def lost(self, *, blamed: bool, with_node: bool) -> None:
        """Have the rest made by somebody else."""
        self._clip.interrupted(self, blamed=blamed, with_node=with_node)

    def broke(self, error: Exception) -> None:
        """A fault of ours costs this video only."""
        self._clip.ended(self, Failure(f"unexpected {type(error).__name__}: {error}", 1), "")
