"""Workers without a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from crispen.errors import OutputError
from crispen.jobs.job_store import JobStore
from crispen.jobs.ownership import Ownership
from crispen.server.services.working import LoneWorkers
from crispen.server.settings import Settings


def test_they_share_with_each_other_and_with_no_server_that_does_not(
    postgresql_url: str, tmp_path: Path
) -> None:
    settings = Settings(
        folder=tmp_path / "data", database_url=postgresql_url, workers=1, threads=1, stop_s=20
    )
    store = JobStore(postgresql_url)
    alone = Ownership(store, tmp_path / "data")
    with LoneWorkers(settings) as one, LoneWorkers(settings) as other:
        assert len({*one.pids, *other.pids}) == 2
        with pytest.raises(OutputError, match="another server uses this database"):
            alone.take()
    alone.take()
    with pytest.raises(OutputError, match="another server uses this database"):
        LoneWorkers(settings).__enter__()
    alone.release()
    store.close()
