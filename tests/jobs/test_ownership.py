"""A database belongs to one server and one folder."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crispen.errors import OutputError, UsageError
from crispen.jobs.database import StoreError
from crispen.jobs.job_store import JobStore
from crispen.jobs.ownership import Ownership, folder_mark

from ..postgresql import Cluster
from .conftest import Make


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'q.db'}"
    found: str = request.getfixturevalue("postgresql_url")
    return found


@pytest.fixture
def owner(url: str, tmp_path: Path) -> Iterator[Callable[[str], Ownership]]:
    stores = []

    def make(folder: str) -> Ownership:
        (tmp_path / folder).mkdir(exist_ok=True)
        stores.append(JobStore(url))
        return Ownership(stores[-1], tmp_path / folder)

    yield make
    for store in stores:
        store.close()


def test_one_server_at_a_time(owner: Callable[[str], Ownership]) -> None:
    first, second = owner("a"), owner("a")
    first.take()
    with pytest.raises(OutputError, match="another server uses this database"):
        second.take()
    first.keep()
    first.release()
    second.take()
    with pytest.raises(StoreError, match="another server took the database"):
        first.keep()
    second.release()


def test_a_folder_without_hard_links_is_marked_too(
    owner: Callable[[str], Ownership], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("os.link", link)
    first = owner("a")
    first.take()
    assert len(folder_mark(tmp_path / "a")) == 32
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["store"]
    first.release()


def test_jobs_stay_with_their_files(
    owner: Callable[[str], Ownership], url: str, new_job: Make, tmp_path: Path
) -> None:
    first, other = owner("a"), owner("b")
    first.take()
    store = JobStore(url)
    job = store.add(new_job())
    first.release()
    with pytest.raises(UsageError, match=f"in another folder, {tmp_path / 'a'}; give that one"):
        other.take()
    first.take()  # nothing was left locked
    first.release()
    store.delete(job.id)
    other.take()  # no job, no file to miss
    other.release()
    store.close()


def test_a_folder_that_was_moved_is_the_same(
    owner: Callable[[str], Ownership], url: str, new_job: Make, tmp_path: Path
) -> None:
    first = owner("a")
    first.take()
    store = JobStore(url)
    store.add(new_job())
    first.release()
    (tmp_path / "a").rename(tmp_path / "c")
    moved = owner("c")
    moved.take()
    moved.release()
    store.close()


def test_the_lock_is_taken_again_after_a_restart(
    cluster: Cluster, postgresql_url: str, tmp_path: Path
) -> None:
    stores = [JobStore(postgresql_url) for _ in range(2)]
    first, second = (Ownership(store, tmp_path) for store in stores)
    first.take()
    cluster.stop()
    try:
        with pytest.raises(StoreError):
            first.keep()
    finally:
        cluster.start()
    first.keep()
    with pytest.raises(OutputError):
        second.take()
    first.release()
    for store in stores:
        store.close()
