"""One server for a data folder."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from crispen.errors import OutputError
from crispen.jobs.folder_lock import hold_folder
from crispen.jobs.job_store import JobStore
from crispen.jobs.pool import Pool


def test_a_place_without_locks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(
        OutputError, match=r"cannot be locked .*choose a --folder on a disk of this"
    ):
        hold_folder(tmp_path / "server")


def test_a_folder_has_one_server(pool: Pool, store: JobStore, tmp_path: Path) -> None:
    second = Pool(pool._setup, 1, store)
    with pytest.raises(OutputError, match="another server uses this folder"):
        second.take()
