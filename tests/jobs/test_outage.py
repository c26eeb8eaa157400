"""The database fails, is locked or is full while workers work: nothing is lost, all goes on."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crispen.enhance.request import Request
from crispen.jobs.database import StoreError
from crispen.jobs.job import Job
from crispen.jobs.job_store import JobStore
from crispen.jobs.pool import Pool
from crispen.jobs.silence import SilenceWatch
from crispen.jobs.states import FINAL, Status
from crispen.jobs.supervisor import Supervisor
from crispen.jobs.worker import WorkerLimits
from crispen.jobs.worker_process import WorkerSetup

from .conftest import PATIENCE_S, Make

# A busy timeout far below the outage, as the outage of an hour is to the timeout of seconds.
BUSY_S = 0.2
OUTAGE_S = 3.0
LEASE_S = 2.0
FAST = Request(models=["espcn-x2"])
# Over a minute for what `picture` makes here, and half a second for a small one.
SLOW = Request(models=["residual-x4"])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


@pytest.fixture
def store(file: Path) -> Iterator[JobStore]:
    queue = JobStore(f"sqlite:///{file}?timeout={BUSY_S}")
    yield queue
    queue.close()


@pytest.fixture
def supervisor() -> Supervisor:
    return Supervisor(first_s=0.1, most_s=0.5)


@pytest.fixture
def pool(
    store: JobStore, limits: WorkerLimits, tmp_path: Path, supervisor: Supervisor
) -> Iterator[Pool]:
    url = str(store.engine.url)
    setup = WorkerSetup(url, limits, lease_s=LEASE_S, max_job_s=600, lock=tmp_path / "workers.lock")
    workers = Pool(setup, 1, store, supervisor=supervisor, stop_s=20)
    workers.take()
    workers.start()
    yield workers
    workers.stop()


def until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.02)


def of(store: JobStore, id: str) -> Job:
    job = store.get(id)
    assert job is not None
    return job


def at_work(store: JobStore, id: str) -> bool:
    job = of(store, id)
    return job.status is Status.RUNNING and job.progress is not None and job.progress.done > 0


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """What a backup tool does: it keeps every writer out."""
    backup = sqlite3.connect(file, isolation_level=None)
    backup.execute("PRAGMA busy_timeout = 10000")
    backup.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        backup.execute("ROLLBACK")
        backup.close()


@contextlib.contextmanager
def away(file: Path) -> Iterator[None]:
    """Every statement of every process fails, those that only read as well."""
    admin = sqlite3.connect(file, isolation_level=None)
    admin.execute("PRAGMA busy_timeout = 10000")
    admin.execute("ALTER TABLE crispen_job RENAME TO away")
    try:
        yield
    finally:
        admin.execute("ALTER TABLE away RENAME TO crispen_job")
        admin.close()


OUTAGES = [locked, away]


@pytest.mark.parametrize("outage", OUTAGES)
def test_a_running_job_is_kept_over_an_outage_longer_than_its_lease(
    outage, pool: Pool, store: JobStore, file: Path, put, picture, supervisor: Supervisor
) -> None:
    id = put(picture(1200, 1200), SLOW)
    pool.wake()
    until(lambda: at_work(store, id))
    before = of(store, id)
    with outage(file):
        time.sleep(OUTAGE_S)
        # What the worker cannot do is trouble, whatever the server itself can do.
        assert pool.troubles or supervisor.troubles
    until(lambda: of(store, id).updated > before.updated)
    time.sleep(1.5)  # time enough to take it back
    after = of(store, id)
    assert (after.worker, after.attempts) == (before.worker, 1)
    assert after.status is Status.RUNNING
    until(lambda: not (pool.troubles or supervisor.troubles))
    store.cancel(id)


@pytest.mark.parametrize("outage", OUTAGES)
def test_a_result_made_during_an_outage_counts(
    outage, pool: Pool, store: JobStore, file: Path, put, picture
) -> None:
    (pid,) = pool.pids
    # A fast machine, or a test that is held up, can be too late for a small picture.
    for side in (150, 250, 400):
        id = put(picture(side, side), SLOW)
        pool.wake()
        until(lambda: of(store, id).status is not Status.QUEUED)  # noqa: B023
        result = pool._setup.limits.jobs / id / "result.png"
        with outage(file):
            began = time.time()
            until(result.exists)
            time.sleep(OUTAGE_S)
        until(lambda: of(store, id).status in FINAL)  # noqa: B023
        done = of(store, id)
        assert (done.status, done.attempts) == (Status.DONE, 1)
        assert pool.pids == [pid]
        if done.finished > began:
            return
    pytest.fail("every job had ended before its outage began")


@pytest.mark.parametrize("outage", OUTAGES)
def test_a_worker_that_dies_during_an_outage_is_replaced_at_once(
    outage, pool: Pool, store: JobStore, file: Path, put, picture
) -> None:
    id = put(picture(1200, 1200), SLOW)
    pool.wake()
    until(lambda: at_work(store, id))
    (pid,) = pool.pids
    with outage(file):
        os.kill(pid, signal.SIGKILL)
        until(lambda: pool.pids != [pid] and pool.alive == 1)
        time.sleep(OUTAGE_S)
        assert pool.alive == 1
    until(lambda: of(store, id).attempts == 2 and at_work(store, id))
    store.cancel(id)


def test_a_pool_begins_and_works_although_the_database_was_away(
    pool: Pool, store: JobStore, file: Path, put, picture
) -> None:
    with away(file):
        time.sleep(OUTAGE_S)
        assert pool.alive == 1
    id = put(picture(), FAST)
    pool.wake()
    until(lambda: of(store, id).status is Status.DONE)


def test_a_stop_during_an_outage_loses_nothing(
    pool: Pool, store: JobStore, file: Path, put, picture
) -> None:
    id = put(picture(1200, 1200), SLOW)
    pool.wake()
    until(lambda: at_work(store, id))
    with away(file):
        began = time.monotonic()
        pool.stop()
        assert time.monotonic() - began < 15
    with Pool(pool._setup, 0, store):
        job = of(store, id)
        assert (job.status, job.attempts, job.worker) == (Status.QUEUED, 0, None)


def test_a_worker_that_cannot_write_goes_on_when_it_can(
    pool: Pool, store: JobStore, put, picture
) -> None:
    """A file size of zero is what a full disk is to a process: no write succeeds."""
    id = put(picture(1200, 1200), SLOW)
    pool.wake()
    until(lambda: at_work(store, id))
    (pid,) = pool.pids
    _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, most))
    until(lambda: bool(pool.troubles))
    time.sleep(LEASE_S / 2)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))
    until(lambda: not pool.troubles)
    before = of(store, id)
    until(lambda: of(store, id).updated > before.updated)
    assert of(store, id).attempts == 1
    store.cancel(id)


def test_a_worker_that_hangs_is_ended_and_its_job_given_back(
    pool: Pool, store: JobStore, put, picture
) -> None:
    id = put(picture(1200, 1200), SLOW)
    pool.wake()
    until(lambda: at_work(store, id))
    (pid,) = pool.pids
    os.kill(pid, signal.SIGSTOP)
    until(lambda: pool.pids != [pid] and of(store, id).attempts == 2)
    store.cancel(id)


def test_silence_is_counted_in_time_that_the_database_answered(
    store: JobStore, file: Path, new_job: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add(new_job())
    job = store.claim("w", 5.0)
    assert job is not None
    silence = SilenceWatch(6.0, store.probe)
    assert [silence.look([job], now) for now in (0, 0.5, 1.0, 1.5)] == [[]] * 4
    # An hour in which nobody could look counts as one look.
    assert [silence.look([job], now) for now in (3600, 3601, 3602)] == [[]] * 3
    # Nor does time count in which the database can be read and not written.
    with locked(file):
        for now in range(3603, 3613):
            with pytest.raises(StoreError):
                silence.look([job], now)
    assert silence.look([job], 3613.0) == []
    assert silence.look([job], 3614.0) == [job]
    # A clock that is set back is a sign of life like any other.
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    assert store.beat(job, 5.0, None)
    assert silence.look(store.held(), 3615.0) == []
    assert silence.look([], 3616.0) == []


def test_no_call_gets_past_an_outage_unnoticed(store: JobStore, file: Path, new_job: Make) -> None:
    id = store.add(new_job()).id
    job = store.claim("w", 9)
    assert job is not None
    calls: list[Callable[[], object]] = [
        lambda: store.get(id),
        lambda: store.add(new_job()),
        lambda: store.claim("w", 9),
        lambda: store.beat(job, 9, None),
        lambda: store.release(job),
        lambda: store.cancel(id),
        lambda: store.delete(id),
        lambda: store.changed(0),
        store.queue,
        store.counts,
        store.held,
    ]
    with away(file):
        for call in calls:
            with pytest.raises(StoreError):
                call()
    assert of(store, id).worker == "w"
