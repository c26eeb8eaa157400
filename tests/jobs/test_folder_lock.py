"""One server for a data folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from crispen.errors import OutputError
from crispen.jobs.pool import Pool
from crispen.jobs.store import JobStore
from crispen.jobs.worker import WorkerLimits
from crispen.jobs.worker_process import WorkerSetup


@pytest.fixture
def pool(store: JobStore, limits: WorkerLimits, tmp_path: Path) -> Iterator[Pool]:
    url = f"sqlite:///{tmp_path / 'queue.db'}"
    setup = WorkerSetup(url, limits, lease_s=30, max_job_s=600, lock=tmp_path / "workers.lock")
    workers = Pool(setup, 1, store, stop_s=20)
    workers.take()
    workers.start()
    yield workers
    workers.stop()


def test_a_folder_has_one_server(pool: Pool, store: JobStore, tmp_path: Path) -> None:
    second = Pool(pool._setup, 1, store)
    with pytest.raises(OutputError, match="another server uses this folder"):
        second.take()
