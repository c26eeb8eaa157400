"""``crispen worker``: what can be said without starting it; tests/server/test_shared.py does."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Crispen


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loggers that outlive a test must not write to its captured stream."""
    monkeypatch.setattr("crispen.server.logs.set_up", lambda *_, **__: None)


def test_it_needs_a_database(crispen: Crispen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRISPEN_DATABASE_URL", raising=False)
    said = crispen("worker", "--store", "data")
    assert said.code == 2
    assert "give --database postgresql://" in said.err


def test_only_postgresql_can_be_shared(crispen: Crispen, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'q.db'}"
    said = crispen("worker", "--database", database, "--store", str(tmp_path / "data"))
    assert said.code == 2
    assert "only a PostgreSQL database can be shared" in said.err
