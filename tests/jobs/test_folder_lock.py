"""One server for a data folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from crispen.errors import OutputError
from crispen.jobs.job_store import JobStore
from crispen.jobs.pool import Pool


def test_a_folder_has_one_server(pool: Pool, store: JobStore, tmp_path: Path) -> None:
    second = Pool(pool._setup, 1, store)
    with pytest.raises(OutputError, match="another server uses this folder"):
        second.take()
