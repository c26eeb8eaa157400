"""Words to a worker process never block."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from crispen.enhance.request import Request
from crispen.jobs.job_store import JobStore
from crispen.jobs.pool import Pool
from crispen.jobs.states import FINAL, Status

from .conftest import SLOW, until, working


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
