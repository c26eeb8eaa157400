"""The queue: who gets which job, and what is left when a worker dies."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crispen.enhance.request import Request
from crispen.errors import UsageError
from crispen.jobs.database import StoreError
from crispen.jobs.job import JobSpec
from crispen.jobs.job_facts import JobResult, ProgressNow
from crispen.jobs.job_store import JobStore
from crispen.jobs.states import Status

from .conftest import SOURCE, Make


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JobStore]:
    """Everything here holds for both."""
    if request.param == "sqlite":
        # SQLite gives its lock to whoever tries at the right moment: on a busy machine one of
        # several writers can be out of luck for seconds.
        url = f"sqlite:///{tmp_path / 'queue.db'}?timeout=60"
    else:
        url = request.getfixturevalue("postgresql_url")
    queue = JobStore(url)
    yield queue
    queue.close()


RESULT = JobResult(name="a.png", type="image/png", width=16, height=12, bytes=9, viewable=True)


def test_what_goes_in_comes_out(store: JobStore, new_job: Make) -> None:
    new = new_job(options=Request(scale=3, tasks=["denoise", "upscale"], quality=80))
    store.add(new)
    job = store.get(new.id)
    assert job is not None
    assert JobSpec.model_validate(job.model_dump(include=set(JobSpec.model_fields))) == new


def test_first_come_first_served_but_who_waits_comes_first(store: JobStore, new_job: Make) -> None:
    slow = [store.add(new_job()) for _ in range(3)]
    waited_for = store.add(new_job(hidden=True))
    order = [waited_for.id, *(job.id for job in slow)]
    assert store.queue() == order
    assert [store.claim("w", 9).id for _ in range(4)] == order  # type: ignore[union-attr]


def test_no_job_is_given_twice(store: JobStore, new_job: Make) -> None:
    ids = {store.add(new_job()).id for _ in range(40)}
    got: list[str] = []

    def work(name: str) -> None:
        while (job := store.claim(name, 9)) is not None:
            got.append(job.id)

    threads = [threading.Thread(target=work, args=(f"w{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(ids)


def test_a_result_of_a_worker_that_lost_its_job_does_not_count(
    store: JobStore, new_job: Make
) -> None:
    store.add(new_job())
    late = store.claim("slow", 9)
    assert late is not None
    assert store.lose(late, "silent") is Status.QUEUED
    again = store.claim("other", 9)
    assert again is not None
    assert not store.finish(late, RESULT, ())
    assert not store.beat(late, 9, None)
    assert store.finish(again, RESULT, ("photo-x2",))
    job = store.get(late.id)
    assert job is not None
    assert (job.status, job.models, job.attempts) == (Status.DONE, ("photo-x2",), 2)


def test_a_poison_job_fails_with_the_reason(store: JobStore, new_job: Make) -> None:
    store.add(new_job())
    for expected in (Status.QUEUED, Status.QUEUED, Status.FAILED):
        job = store.claim("w", 9)
        assert job is not None
        assert store.lose(job, "its worker process was ended by SIGSEGV") is expected
    assert store.claim("w", 9) is None
    assert store.jobs()[0].error == (
        "gave up after 3 tries: its worker process was ended by SIGSEGV"
    )


def test_a_video_that_gets_further_is_no_poison(store: JobStore, new_job: Make) -> None:
    video = SOURCE.model_copy(update={"kind": "video"})
    store.add(new_job(source=video))

    def die_at(frame: int) -> Status | None:
        job = store.claim("w", 9)
        assert job is not None
        store.beat(job, 9, ProgressNow(what="x", done=frame, total=900, unit="frames", rate=1))
        held = store.get(job.id)
        assert held is not None
        return store.lose(held, "killed")

    assert [die_at(n) for n in (10, 20, 30, 40, 50)] == [Status.QUEUED] * 5
    # And one that always dies at the same place is.
    assert [die_at(50) for _ in range(3)][-1] is Status.FAILED


def test_a_client_sees_its_own_jobs_only(store: JobStore, new_job: Make) -> None:
    mine, _, hidden = (
        store.add(new_job("a")),
        store.add(new_job("b")),
        store.add(new_job("a", hidden=True)),
    )
    assert [job.id for job in store.jobs("a")] == [mine.id]
    assert [job.id for job in store.hidden()] == [hidden.id]
    assert store.unfinished("a") == 2
    assert store.unfinished("c") == 0


def test_newest_first_and_by_state(store: JobStore, new_job: Make) -> None:
    first, second = store.add(new_job()), store.add(new_job())
    assert [job.id for job in store.jobs("local")] == [second.id, first.id]
    store.cancel(first.id)
    assert [job.id for job in store.jobs("local", [Status.CANCELLED])] == [first.id]
    assert len(store.jobs("local", limit=1)) == 1


def test_old_jobs_are_found(store: JobStore, new_job: Make) -> None:
    old, waiting = store.add(new_job()), store.add(new_job())
    store.cancel(old.id)
    assert [job.id for job in store.expired(time.time() + 1)] == [old.id]
    assert not store.expired(time.time() - 60)
    assert store.get(waiting.id) is not None


def test_changes_are_numbered_in_order(store: JobStore, new_job: Make) -> None:
    first, second = store.add(new_job()), store.add(new_job())
    before = store.last_change()
    assert not store.changed(before)
    store.cancel(second.id)
    store.cancel(first.id)
    assert [(number, job.id, job.status) for number, job in store.changed(before)] == [
        (before + 1, second.id, Status.CANCELLED),
        (before + 2, first.id, Status.CANCELLED),
    ]
    # A job that changed twice has the later number only.
    assert len(store.changed(0)) == 2
    store.delete(first.id)
    assert [job.id for _, job in store.changed(0)] == [second.id]


def test_no_change_is_hidden_by_a_clock_that_is_set_back(
    store: JobStore, new_job: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add(new_job())
    before = store.last_change()
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    job = store.add(new_job())
    assert [changed.id for _, changed in store.changed(before)] == [job.id]


def test_changes_are_seen_in_the_order_of_their_numbers(store: JobStore, new_job: Make) -> None:
    seen: list[int] = []
    ended = threading.Event()

    def look() -> None:
        last = 0
        while not ended.is_set() or store.last_change() > last:
            for number, _ in store.changed(last):
                seen.append(number)
                last = number

    def write() -> None:
        for _ in range(25):
            store.add(new_job())

    reader = threading.Thread(target=look)
    reader.start()
    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    ended.set()
    reader.join()
    assert seen == list(range(1, 101))


def test_the_queue_is_read_by_its_owner_only(tmp_path: Path) -> None:
    store = JobStore(f"sqlite:///{tmp_path / 'queue.db'}")
    store.jobs()
    files = list(tmp_path.glob("queue.db*"))
    assert len(files) == 3  # with its log and shared memory
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    store.close()


def test_a_locked_database_is_told_after_its_timeout(tmp_path: Path, new_job: Make) -> None:
    store = JobStore(f"sqlite:///{tmp_path / 'q.db'}?timeout=0.2")
    backup = sqlite3.connect(tmp_path / "q.db", isolation_level=None)
    backup.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match=r"does not answer \(database is locked\); try again"):
        store.add(new_job())
    backup.execute("ROLLBACK")
    backup.close()
    assert store.add(new_job())
    store.close()


def test_a_retry_begins_anew(store: JobStore, new_job: Make) -> None:
    job = store.add(new_job())
    claimed = store.claim("w", 9)
    assert claimed is not None
    store.fail(claimed, "no")
    again = store.retry(job.id)
    assert again is not None
    assert (again.status, again.attempts, again.error, again.finished) == (
        Status.QUEUED,
        0,
        None,
        None,
    )


def test_the_database_outlives_a_process(tmp_path: Path, new_job: Make) -> None:
    url = f"sqlite:///{tmp_path / 'q.db'}"
    first = JobStore(url)
    id = first.add(new_job()).id
    first.close()
    second = JobStore(url)
    assert second.get(id) is not None
    second.close()
    with sqlite3.connect(tmp_path / "q.db") as connection:
        mode = connection.execute("PRAGMA journal_mode").fetchone()
    connection.close()
    assert mode == ("wal",)


@pytest.mark.parametrize("url", ["nonsense", "sqlite:////no/such/folder/q.db", "nodb://x"])
def test_a_database_that_cannot_be_opened_is_told_so(url: str) -> None:
    with pytest.raises(UsageError, match="check its URL"):
        JobStore(url)


def test_unknown_jobs(store: JobStore) -> None:
    moves: list[Callable[[str], object]] = [store.cancel, store.retry, store.get]
    assert [say("0" * 32) for say in moves] == [None] * 3
    assert store.delete("0" * 32) is False
