"""Worker processes: they die, they are stopped, and no job is lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

import pytest

from crispen.enhance.request import Request
from crispen.jobs.job_folder import SOURCE, result_path
from crispen.jobs.job_store import JobStore
from crispen.jobs.launcher import LocalLauncher
from crispen.jobs.pool import Pool, share_threads
from crispen.jobs.states import FINAL, Status
from crispen.jobs.worker import WorkerLimits
from crispen.jobs.worker_handle import WorkerHandle
from crispen.jobs.worker_process import WorkerSetup
from crispen.media.image import open_image

from .conftest import SLOW, until, working


@pytest.mark.parametrize(
    ("workers", "threads", "cores", "expected"),
    [
        (1, None, 8, 8),
        (2, None, 8, 4),
        (3, None, 8, 2),
        (16, None, 8, 1),
        (2, 8, 8, 4),
        (2, 1, 8, 1),
    ],
)
def test_workers_share_the_cores(
    workers: int, threads: int | None, cores: int, expected: int
) -> None:
    assert share_threads(workers, threads, cores) == expected


def test_a_killed_worker_loses_no_job_and_a_cancel_is_heard(
    pool: Pool, store: JobStore, limits: WorkerLimits, put, picture: Callable[..., Path]
) -> None:
    id = put(picture(1200, 1200), SLOW)
    pool.wake()
    first = until(store, id, working)
    (pid,) = pool.pids
    os.kill(pid, signal.SIGKILL)
    again = until(store, id, lambda job: working(job) and job.worker != first.worker)
    assert again.attempts == 2
    small = put(picture(), Request(models=["espcn-x2"]))
    began = time.monotonic()
    cancelled = store.cancel(id)
    assert cancelled is not None
    # The same worker takes the next job, so it has stopped.
    done = until(store, small, lambda job: job.status in FINAL)
    assert time.monotonic() - began < 15
    assert done.status is Status.DONE
    assert [p.name for p in (limits.jobs / id).iterdir()] == [SOURCE]
    with open_image(result_path(limits.jobs / small, done)) as image:
        assert image.header.width == 96


def test_what_kills_its_worker_three_times_fails(
    pool: Pool, store: JobStore, put, picture: Callable[..., Path]
) -> None:
    id = put(picture(1200, 1200), SLOW)
    other = put(picture(), Request(models=["espcn-x2"]))
    for attempt in (1, 2, 3):
        until(store, id, lambda job, n=attempt: job.attempts == n and job.worker is not None)
        os.kill(pool.pids[0], signal.SIGKILL)
        until(store, id, lambda job: job.worker is None)
    job = until(store, id, lambda job: job.status is Status.FAILED)
    assert job.error is not None
    assert job.error.startswith("gave up after 3 tries: its worker process was ended by SIGKILL")
    # And it held nobody up.
    assert until(store, other, lambda job: job.status in FINAL).status is Status.DONE


class OtherPipe:
    """A pipe of another class than on Linux, as Windows has."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipe, name)


class OtherLauncher(LocalLauncher):
    def launch(self, setup: WorkerSetup) -> WorkerHandle:
        handle = super().launch(setup)
        handle.pipe = cast("Connection", OtherPipe(handle.pipe))
        return handle


def test_pipes_can_be_of_another_class(
    pool: Pool, store: JobStore, put, picture: Callable[..., Path]
) -> None:
    pool.stop()
    other = Pool(pool._setup, 1, store, stop_s=20, launcher=OtherLauncher())
    with other:
        id = put(picture(), Request(models=["espcn-x2"]))
        other.wake()
        assert until(store, id, lambda job: job.status in FINAL).status is Status.DONE
        assert other._supervisor.troubles == {}
        assert other._workers[0].name


def test_a_stop_puts_jobs_back(
    pool: Pool, store: JobStore, put, picture: Callable[..., Path]
) -> None:
    id = put(picture(1200, 1200), SLOW)
    until(store, id, working)
    pool.stop()
    job = store.get(id)
    assert job is not None
    assert (job.status, job.attempts, job.worker) == (Status.QUEUED, 0, None)


def test_failures_are_told_by_the_name_people_know(
    pool: Pool,
    store: JobStore,
    limits: WorkerLimits,
    put,
    picture: Callable[..., Path],
    tmp_path: Path,
) -> None:
    id = put(picture(), Request(models=["espcn-x2"]))
    pool.wake()
    until(store, id, lambda job: job.status in FINAL)
    (limits.jobs / id / SOURCE).write_bytes(b"not a picture any more")
    id2 = put(picture(name="b.png"), Request(models=["espcn-x2"]))
    source = limits.jobs / id2 / SOURCE
    source.write_bytes(source.read_bytes()[:80])
    job = until(store, id2, lambda job: job.status in FINAL)
    assert job.error is None or str(tmp_path) not in job.error
