"""One server for a database."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import create_engine

from crispen.jobs.advisory import advisory_lock


def test_a_file_has_one_owner_at_a_time(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'queue.db'}")
    first, second = advisory_lock(engine), advisory_lock(engine)
    assert first.take()
    assert first.take()  # it is still held
    assert not second.take()
    first.release()
    assert second.take()
    second.release()


def test_a_database_in_memory_is_nobody_elses() -> None:
    engine = create_engine("sqlite://")
    assert advisory_lock(engine).take()
    assert advisory_lock(engine).take()
