"""Queues of older versions: brought up to date, with nothing lost, and worked off."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlmodel import SQLModel

from crispen.enhance.request import Request
from crispen.errors import UsageError
from crispen.jobs import migrations
from crispen.jobs.job_folder import SOURCE
from crispen.jobs.job_store import VERSION, JobStore
from crispen.jobs.migrations import HEAD, TABLE
from crispen.jobs.states import Status
from crispen.jobs.worker import Worker, WorkerLimits
from crispen.progress import Progress

from .conftest import Make

# Written by the code of Crispen 0.1.0: every state, and every option that a job could have.
OLD = Path(__file__).parent / "data" / "queue-0.1.0.sql"
DONE, FAILED, RUNNING, CLEAN, WEBM, HIDDEN, CANCELLED = (f"{n:032x}" for n in range(1, 8))


@pytest.fixture
def old(tmp_path: Path) -> str:
    """The URL of a database of Crispen 0.1.0."""
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as database:
        database.executescript(OLD.read_text(encoding="utf-8"))
    database.close()
    return f"sqlite:///{path}"


def rows(url: str, what: str) -> list[tuple[object, ...]]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(what))]
    engine.dispose()
    return found


def test_an_old_queue_is_read_whole(old: str) -> None:
    before = rows(old, "SELECT * FROM crispen_job ORDER BY id")
    store = JobStore(old)
    jobs = {job.id: job for job in store.jobs()}
    assert [jobs[id].status.value for id in (DONE, FAILED, RUNNING, CLEAN, WEBM, CANCELLED)] == [
        *("done", "failed", "running", "queued", "queued", "cancelled")
    ]
    assert jobs[CLEAN].options == Request(
        tasks=["denoise", "upscale"], strength=0.5, scale=3, strip_metadata=True
    )
    assert jobs[FAILED].options == Request(models=["espcn"], width=100, format="webp", quality=80)
    assert jobs[DONE].result is not None
    assert jobs[DONE].result.notes == ["of its 3 pages the first was enhanced"]
    assert jobs[RUNNING].progress is not None
    assert jobs[RUNNING].progress.left_s == 10.4
    assert [job.id for job in store.hidden()] == [HIDDEN]
    assert store.queue() == [HIDDEN, CLEAN, WEBM]
    assert {job.plan for job in jobs.values()} == {None}
    store.close()
    old_columns = ", ".join(
        name for _, name, *_ in rows(old, "PRAGMA table_info(crispen_job)")[:21]
    )
    assert rows(old, f"SELECT {old_columns} FROM crispen_job ORDER BY id") == before
    assert rows(old, "SELECT DISTINCT version FROM crispen_job") == [(1,)]
    assert rows(old, f"SELECT version_num FROM {TABLE}") == [(HEAD,)]


def test_old_jobs_are_worked_off(
    old: str, limits: WorkerLimits, picture: Callable[..., Path], new_job: Make
) -> None:
    store = JobStore(old)
    worker = Worker(limits)
    names = {}
    for id in (HIDDEN, CLEAN):
        (limits.jobs / id).mkdir()
        (limits.jobs / id / SOURCE).write_bytes(picture(48, 40).read_bytes())
        job = store.claim("w", 9)
        assert job is not None
        assert job.id == id
        result, models = worker.do(job, Progress())
        assert store.finish(job, result, models)
        names[id] = (result.name, result.width, result.height, models)
    worker.close()
    assert names == {
        HIDDEN: ("Ferien & Meer.200x100.png", 120, 100, ("photo-x3",)),
        CLEAN: ("Ferien & Meer.denoise-0.5-x3.png", 144, 120, ("denoise-photo", "photo-x3")),
    }
    new = store.add(new_job())
    assert store.get(new.id) == new
    store.close()
    assert (VERSION,) in rows(old, "SELECT DISTINCT version FROM crispen_job")


def test_an_old_job_that_contradicts_itself_says_so(
    old: str, limits: WorkerLimits, shared_data: Path
) -> None:
    store = JobStore(old)
    job = store.get(WEBM)
    assert job is not None
    (limits.jobs / WEBM).mkdir()
    (limits.jobs / WEBM / SOURCE).write_bytes(b"a video")
    with pytest.raises(UsageError, match=r"h264 does not go into \.webm"):
        Worker(limits).do(job, Progress())
    store.close()


def test_a_new_queue_is_what_the_code_says(tmp_path: Path, old: str) -> None:
    """Both ways lead to the same tables, and those are the ones that the code uses."""
    JobStore(f"sqlite:///{tmp_path / 'new.db'}").close()
    JobStore(old).close()
    for url in (f"sqlite:///{tmp_path / 'new.db'}", old):
        engine = create_engine(url)
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"version_table": TABLE})
            assert compare_metadata(context, SQLModel.metadata) == []
        engine.dispose()


def test_the_last_step_is_the_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_many_processes_may_begin_at_once(old: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        for store in pool.map(lambda _: JobStore(old), range(8)):
            assert len(store.jobs("local")) == 6
            store.close()


def test_where_a_step_fails_nothing_has_changed(old: str) -> None:
    """The next start, of whichever version, finds what this one found."""
    engine = create_engine(old)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE crispen_fact (x INTEGER)"))
    engine.dispose()
    tables = "SELECT sql FROM sqlite_master ORDER BY name"
    before = rows(old, tables)
    with pytest.raises(UsageError, match="crispen_fact already exists"):
        JobStore(old)
    assert rows(old, tables) == before
    engine = create_engine(old)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE crispen_fact"))
    engine.dispose()
    store = JobStore(old)
    assert len(store.jobs("local")) == 6
    store.close()


def test_changes_of_an_old_queue_are_numbered(old: str) -> None:
    store = JobStore(old)
    assert (store.last_change(), store.changed(0)) == (0, [])
    store.cancel(CLEAN)
    assert [(number, job.id) for number, job in store.changed(0)] == [(1, CLEAN)]
    store.note_fact("folder", "x")
    assert store.fact("folder") == "x"
    store.close()


def test_a_queue_of_a_newer_version_is_refused(old: str) -> None:
    JobStore(old).close()
    engine = create_engine(old)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {TABLE} SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(UsageError, match="newer version of Crispen"):
        JobStore(old)


def test_rows_of_a_newer_version_are_left_alone(old: str) -> None:
    store = JobStore(old)
    engine = create_engine(old)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE crispen_job SET version = :new, options = 'unreadable' WHERE id = :id"),
            {"new": VERSION + 1, "id": CLEAN},
        )
    engine.dispose()
    assert store.get(CLEAN) is None
    assert CLEAN not in [job.id for job in store.jobs()]
    assert [len(store.jobs(limit=most)) for most in (1, 2, 3, 4)] == [1, 2, 3, 4]
    claimed = [store.claim("w", 9), store.claim("w", 9), store.claim("w", 9)]
    assert [job.id if job else None for job in claimed] == [HIDDEN, WEBM, None]
    assert store.counts()[Status.QUEUED] == 1
    store.close()


def test_a_queue_that_is_up_to_date_needs_no_alembic(tmp_path: Path) -> None:
    """Each worker opens the queue, and Alembic would cost each of them its import."""
    url = f"sqlite:///{tmp_path / 'q.db'}"
    JobStore(url).close()
    code = (
        "import sys; from crispen.jobs.job_store import JobStore; "
        f"JobStore({url!r}).close(); print('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
