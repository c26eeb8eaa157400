"""Pictures as tasks: several small ones at a time, each with its draft, and its name at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from crispen.cluster.drafts import Drafts
from crispen.cluster.stream import Stream
from crispen.cluster.tries import Tries
from crispen.cluster.worker import Worker
from crispen.enhance.file_work import Batch, attempt, failed
from crispen.enhance.outcome import Outcome
from crispen.enhance.record import NAME
from crispen.enhance.results import Job
from crispen.errors import CrispenError, OutputError
from crispen.media.atomic import commit

# Approximate duration of a task, long enough that scheduling costs almost nothing; with very many
# workers, long enough for the one process that hands them out, which needs about 2 ms for each.
_TASK_S = 0.5
_TASK_S_A_WORKER = 0.005
_MOST_FILES = 64
_LOOKING_S = 0.2

Tell = Callable[[Outcome], None]


@dataclass(frozen=True, slots=True)
class PictureWork:
    """Pictures to make; what a worker is sent.

    Attributes:
        jobs: Each with its draft in place of the result.
        results: What the drafts become.
    """

    jobs: tuple[Job, ...]
    results: tuple[Path, ...]

    def __call__(self, worker: Worker) -> list[tuple[Outcome, dict[str, Any] | None]]:
        """What became of each, and the note about how it was made."""
        return [self._one(worker, *both) for both in zip(self.jobs, self.results, strict=True)]

    def _one(self, worker: Worker, job: Job, result: Path) -> tuple[Outcome, dict[str, Any] | None]:
        assert job.result is not None
        if not job.result.parent.is_dir():
            text = f"{result.parent}: another machine does not see this folder; share it"
            return failed(job, text), None
        outcome = attempt(job, lambda: worker.batch.make(job))
        if outcome.status != "done" or job.named:
            return outcome, None
        assert job.source is not None
        return outcome, worker.batch.records[False].note(job.source, result, draft=job.result)


@dataclass(slots=True)
class _Item:
    job: Job
    tries: Tries = field(default_factory=Tries)
    suspect: bool = False


class Pictures:
    """All pictures of a batch; see `pool.Supply`.

    Args:
        jobs: Which; taken one by one.
        count: About how many there are.
        batch: What they need.
        drafts: Where they are until they are whole.
        tell: Called with each outcome.
    """

    def __init__(
        self, jobs: Iterable[Job], count: int, batch: Batch, drafts: Drafts, tell: Tell
    ) -> None:
        self.batch = batch
        self.drafts = drafts
        self._tell = tell
        self._items = Stream(map(_Item, jobs), count)
        self._under_way = 0
        self._mean_s = 0.0
        self.hurries = False

    @property
    def finished(self) -> bool:
        """Whether everything is done."""
        return not self._items and not self._under_way

    @property
    def most(self) -> int:
        """How many workers could be busy at the same time."""
        return len(self._items) + self._under_way

    def next(self, workers: int) -> PictureTask | None:
        """The next pictures; those whose results exist already are reported at once."""
        size = self._size(workers)
        until = time.monotonic() + _LOOKING_S
        chunk: list[tuple[_Item, Path]] = []
        while self._items and len(chunk) < size and time.monotonic() < until:
            if chunk and self._items.first.suspect:
                break
            item = self._items.popleft()
            # One place for all of a task: to make and remove a folder costs more than all the rest.
            draft = self._begun(item.job, chunk[-1][1] if chunk else None)
            if draft is not None:
                chunk.append((item, draft))
            if item.suspect:
                break
        self.hurries = bool(self._items) and not chunk
        if not chunk:
            return None
        self._under_way += len(chunk)
        return PictureTask(self, chunk)

    def tick(self) -> None:
        """Nothing to do."""

    def settled(self, outcome: Outcome) -> None:
        """A picture is done or has failed."""
        self._under_way -= 1
        seconds = outcome.seconds
        self._mean_s = 0.8 * self._mean_s + 0.2 * seconds if self._mean_s else seconds
        self._tell(outcome)

    def again(self, item: _Item) -> None:
        """Retry one soon; one that may be to blame is alone in its task."""
        self._under_way -= 1
        self._items.appendleft(item)

    def _size(self, workers: int) -> int:
        if not self._mean_s:
            return 1
        fair = len(self._items) // (2 * max(1, workers))
        return max(1, min(task_size(self._mean_s, workers), fair))

    def _begun(self, job: Job, beside: Path | None) -> Path | None:
        """Where to write it, or None if its outcome has been reported.

        Args:
            job: Which.
            beside: The draft of another picture of the same task.
        """
        assert job.result is not None
        ready = Outcome(job.source_name, job.result_name, "done")
        early = attempt(job, lambda: self.batch.begin(job) or ready)
        if early.status == "done":
            try:
                return self.drafts.path(job.result.absolute(), beside)
            except OutputError as error:
                early = failed(job, str(error))
        self._tell(early)
        return None


def task_size(picture_s: float, workers: int) -> int:
    """How many pictures a task has while there are plenty.

    Args:
        picture_s: Mean seconds that a picture takes.
        workers: How many there are.

    >>> task_size(0.05, 4), task_size(0.5, 4), task_size(0.5, 1000)
    (10, 1, 10)
    """
    duration_s = max(_TASK_S, workers * _TASK_S_A_WORKER)
    return max(1, min(int(duration_s / picture_s), _MOST_FILES))


class PictureTask:
    """Some pictures; see `pool.Task`."""

    def __init__(self, supply: Pictures, chunk: list[tuple[_Item, Path]]) -> None:
        self._supply = supply
        self._chunk = chunk

    def send(self, actor: Any) -> Any:
        """Send it to a worker; Ray's reference of the answer."""
        return actor.do.remote(self.work())

    def work(self) -> PictureWork:
        """What is sent to the worker, whose current folder is another one."""
        jobs, results = [], []
        for item, draft in self._chunk:
            assert item.job.source is not None
            assert item.job.result is not None
            jobs.append(replace(item.job, source=item.job.source.absolute(), result=draft))
            results.append(item.job.result.absolute())
        return PictureWork(tuple(jobs), tuple(results))

    def done(self, answer: Any, node: str) -> None:
        """Give the results their names."""
        for (item, draft), (outcome, note) in zip(self._chunk, answer, strict=True):
            self._supply.settled(self._kept(item.job, draft, replace(outcome, node=node), note))

    def lost(self, *, blamed: bool, with_node: bool) -> None:
        """Retry them, except one that has done harm too often."""
        alone = len(self._chunk) == 1
        for item, draft in reversed(self._chunk):
            self._supply.drafts.drop(draft)
            if blamed:
                item.suspect = True
                # With several, it is unknown which one it was.
                if not item.tries.count(with_node=with_node) and alone:
                    self._supply.settled(failed(item.job, item.tries.text))
                    continue
            self._supply.again(item)

    def broke(self, error: Exception) -> None:
        """A bug costs only these files."""
        for item, draft in self._chunk:
            self._supply.drafts.drop(draft)
            text = f"{item.job.source_name}: unexpected {type(error).__name__}: {error}"
            self._supply.settled(failed(item.job, text))

    def _kept(
        self, job: Job, draft: Path, outcome: Outcome, note: dict[str, Any] | None
    ) -> Outcome:
        assert job.source is not None
        assert job.result is not None
        batch = self._supply.batch
        if note is not None:
            # First, since a note about a missing result is harmless; so whenever this process
            # ends, a result with its final name has its note.
            try:
                batch.records[False].write(job.result, note)
            except OSError as error:
                text = f"{NAME} cannot be written ({error.strerror}), so the next run will not skip"
                outcome = replace(outcome, notes=(*outcome.notes, f"{text} this file"))
        try:
            if outcome.status == "done":
                commit(draft, job.result, overwrite=batch.options.overwrite)
        except CrispenError as error:
            outcome = replace(failed(job, str(error)), seconds=outcome.seconds, node=outcome.node)
        finally:
            self._supply.drafts.drop(draft)
        text = outcome.error.replace(str(draft), job.result_name)
        text = text.replace(str(job.source.absolute()), job.source_name)
        return replace(outcome, source=job.source_name, target=job.result_name, error=text)
