"""Words to a worker process never block."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crispen.enhance.request import Request
from crispen.jobs.file_kinds import Bounds, examine
from crispen.jobs.job import Job
from crispen.jobs.job_folder import SOURCE
from crispen.jobs.pool import Pool
from crispen.jobs.states import FINAL, Status
from crispen.jobs.store import JobStore
from crispen.jobs.worker import WorkerLimits
from crispen.jobs.worker_process import WorkerSetup

from .conftest import Make

PATIENCE_S = 60.0


# Slow enough to be caught at it, with one thread.
SLOW = Request(models=["photo-x4"])


@pytest.fixture
def pool(store: JobStore, limits: WorkerLimits, tmp_path: Path) -> Iterator[Pool]:
    url = f"sqlite:///{tmp_path / 'queue.db'}"
    setup = WorkerSetup(url, limits, lease_s=30, max_job_s=600, lock=tmp_path / "workers.lock")
    workers = Pool(setup, 1, store, stop_s=20)
    workers.take()
    workers.start()
    yield workers
    workers.stop()


@pytest.fixture
def put(
    store: JobStore, new_job: Make, limits: WorkerLimits, bounds: Bounds
) -> Callable[[Path, Request], str]:
    def add(path: Path, options: Request) -> str:
        new = new_job(source=examine(path, path.name, bounds), options=options)
        (limits.jobs / new.id).mkdir()
        shutil.copy(path, limits.jobs / new.id / SOURCE)
        return store.add(new).id

    return add


def until(store: JobStore, id: str, good: Callable[[Job], bool]) -> Job:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        job = store.get(id)
        assert job is not None
        if good(job):
            return job
        time.sleep(0.02)
    raise AssertionError(f"not in time: {store.get(id)}")


def working(job: Job) -> bool:
    return job.status is Status.RUNNING and job.progress is not None and job.progress.done > 0


def test_many_calls_while_a_worker_is_busy_do_not_block(
    pool: Pool, store: JobStore, put, picture: Callable[..., Path]
) -> None:
    id = put(picture(1200, 1200), SLOW)
    pool.wake()
    until(store, id, working)
    # More than any pipe holds: each of these once took its place in it, and the last one waited.
    for _ in range(20_000):
        pool.wake()
    store.cancel(id)
    small = put(picture(), Request(models=["espcn-x2"]))
    pool.wake()
    assert until(store, small, lambda job: job.status in FINAL).status is Status.DONE
