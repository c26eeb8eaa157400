"""How the queue's database is opened, and its errors."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest
from sqlalchemy import text

from crispen.errors import UsageError
from crispen.jobs.database import Database, StoreError


@pytest.mark.parametrize("url", ["no url", "sqlite://", "nosuch://localhost/queue"])
def test_what_cannot_be_opened_is_one_line(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        Database(url)
    assert "\n" not in str(caught.value)


def test_a_locked_database_is_ours_to_report(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    database = Database(f"sqlite:///{path}?timeout=0.05")
    database.prepare()
    statement = text("DELETE FROM crispen_job")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"), database.session() as session:
        session.connection().execute(statement)
    other.execute("ROLLBACK")
    other.close()
    with database.session() as session:
        session.connection().execute(statement)
        session.commit()
    database.close()


def test_only_the_owner_reads_the_queue(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    Database(f"sqlite:///{path}").prepare()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
