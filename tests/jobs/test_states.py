"""The state machine, and the queue held against a model of it that fits into a page."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from crispen.enhance.request import Request
from crispen.jobs.job import Job, JobSpec
from crispen.jobs.job_facts import JobResult, ProgressNow, Source
from crispen.jobs.job_store import JobStore
from crispen.jobs.states import FINAL, MAX_ATTEMPTS, Move, NotPossible, Status, move

# As in the drawing at the head of the module.
DRAWN = {
    ("queued", "claim"): "running",
    ("queued", "cancel"): "cancelled",
    ("running", "finish"): "done",
    ("running", "fail"): "failed",
    ("running", "cancel"): "cancelled",
    ("running", "release"): "queued",
    ("running", "lose"): "queued",
    ("failed", "retry"): "queued",
    ("cancelled", "retry"): "queued",
    ("queued", "pause"): "paused",
    ("paused", "resume"): "queued",
    ("paused", "cancel"): "cancelled",
}


@pytest.mark.parametrize(("status", "what"), list(itertools.product(Status, Move)))
def test_every_move_is_as_drawn(status: Status, what: Move) -> None:
    expected = DRAWN.get((status.value, what.value))
    if expected is None:
        with pytest.raises(NotPossible, match=status.value):
            move(status, what, attempts=1)
    else:
        assert move(status, what, attempts=1)[0] == expected


def test_a_job_that_kills_its_worker_has_three_tries() -> None:
    status, attempts, tries = Status.QUEUED, 0, 0
    while status is Status.QUEUED:
        status, attempts = move(status, Move.CLAIM, attempts=attempts)
        tries += 1
        status, attempts = move(status, Move.LOSE, attempts=attempts)
    assert (status, tries) == (Status.FAILED, MAX_ATTEMPTS)


def test_a_graceful_stop_costs_no_try() -> None:
    status, attempts = move(Status.QUEUED, Move.CLAIM, attempts=2)
    assert move(status, Move.RELEASE, attempts=attempts) == (Status.QUEUED, 2)


SOURCE = Source(
    kind="image", type="image/png", format="png", width=8, height=6, bytes=99, viewable=True
)
RESULT = JobResult(name="a.png", type="image/png", width=16, height=12, bytes=9, viewable=True)


class Queue(RuleBasedStateMachine):
    """Clients and workers in any order; a dictionary says what must be so."""

    jobs = Bundle("jobs")
    held = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.store = JobStore(f"sqlite:///{Path(self._folder.name) / 'q.db'}")
        self.known: dict[str, tuple[Status, int]] = {}
        self.order: list[str] = []
        self.count = 0

    def teardown(self) -> None:
        self.store.close()
        self._folder.cleanup()

    @rule(target=jobs, hidden=st.booleans())
    def add(self, hidden: bool) -> str:
        self.count += 1
        id = f"{self.count:032x}"
        new = JobSpec(id=id, client="a", name="n", options=Request(), source=SOURCE, hidden=hidden)
        assert self.store.add(new).status is Status.QUEUED
        self.known[id] = (Status.QUEUED, 0)
        self.order.append(id)
        return id

    @rule(id=jobs)
    def add_again(self, id: str) -> None:
        new = JobSpec(id=id, client="a", name="other", options=Request(), source=SOURCE)
        if id in self.known:
            assert self.store.add(new).name == "n"

    @rule(target=held, worker=st.sampled_from(["w1", "w2"]))
    def claim(self, worker: str) -> Job | None:
        job = self.store.claim(worker, 30.0)
        waiting = [i for i, (status, _) in self.known.items() if status is Status.QUEUED]
        assert (job is None) == (not waiting)
        if job is not None:
            status, attempts = self.known[job.id]
            assert status is Status.QUEUED
            self.known[job.id] = (Status.RUNNING, attempts + 1)
            assert job.attempts == attempts + 1
        return job

    def _is_held(self, job: Job) -> bool:
        now = self.store.get(job.id)
        return (
            now is not None
            and self.known[job.id] == (Status.RUNNING, job.attempts)
            and now.worker == job.worker
        )

    def _worker_says(self, job: Job | None, what: Move, say: Callable[[Job], object]) -> None:
        if job is None:
            return
        held = self._is_held(job)
        assert bool(say(job)) == held
        if held:
            self.known[job.id] = move(Status.RUNNING, what, attempts=job.attempts)

    @rule(job=consumes(held))
    def finish(self, job: Job | None) -> None:
        self._worker_says(job, Move.FINISH, lambda j: self.store.finish(j, RESULT, ("m",)))

    @rule(job=consumes(held))
    def fail(self, job: Job | None) -> None:
        self._worker_says(job, Move.FAIL, lambda j: self.store.fail(j, "why"))

    @rule(job=consumes(held))
    def release(self, job: Job | None) -> None:
        self._worker_says(job, Move.RELEASE, self.store.release)

    @rule(job=consumes(held))
    def lose(self, job: Job | None) -> None:
        self._worker_says(job, Move.LOSE, lambda j: self.store.lose(j, "it died"))

    @rule(job=held, done=st.floats(0, 10))
    def beat(self, job: Job | None, done: float) -> None:
        if job is not None:
            now = ProgressNow(what="x", done=done, total=10, unit="px", rate=1)
            assert self.store.beat(job, 30.0, now) == self._is_held(job)

    @rule(id=jobs)
    def cancel(self, id: str) -> None:
        self._client_says(id, Move.CANCEL, self.store.cancel)

    @rule(id=jobs)
    def retry(self, id: str) -> None:
        self._client_says(id, Move.RETRY, self.store.retry)

    def _client_says(self, id: str, what: Move, say: Callable[[str], Job | None]) -> None:
        if id not in self.known:
            assert say(id) is None
            return
        status, attempts = self.known[id]
        try:
            after = move(status, what, attempts=attempts)
        except NotPossible:
            with pytest.raises(NotPossible):
                say(id)
            return
        job = say(id)
        assert job is not None
        assert (job.status, job.attempts) == after
        self.known[id] = after

    @rule(id=consumes(jobs))
    def delete(self, id: str) -> None:
        assert self.store.delete(id) == (id in self.known)
        self.known.pop(id, None)

    @invariant()
    def the_queue_is_as_it_must_be(self) -> None:
        there = {id: self.store.get(id) for id in self.known}
        for id, (status, attempts) in self.known.items():
            job = there[id]
            assert job is not None
            assert (job.status, job.attempts) == (status, attempts)
            assert (job.worker is not None) == (status is Status.RUNNING)
            assert (job.finished is not None) == (status in FINAL)
            assert (job.result is not None) or status is not Status.DONE
            assert attempts <= MAX_ATTEMPTS
        counts = self.store.counts()
        assert sum(counts.values()) == len(self.known)
        assert len(self.store.queue()) == counts[Status.QUEUED]


Queue.TestCase.settings = settings(
    max_examples=20,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestQueue = Queue.TestCase
