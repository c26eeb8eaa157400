"""Locks of a search: what one process holds, another does not get."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

from crispen.errors import OutputError
from crispen.lab.search import holds as module
from crispen.lab.search.holds import Holds


def test_a_trial_belongs_to_one_process(tmp_path: Path) -> None:
    one, other = Holds(tmp_path), Holds(tmp_path)
    assert one.take(0)
    assert not other.take(0)
    assert other.take(1)
    assert one.taken(0)
    assert other.taken(0)
    assert not other.taken(2)
    one.close()
    assert not other.taken(0)
    assert other.take(0)
    other.close()
    assert not [*tmp_path.glob(".trial-*")]


def test_a_file_without_a_process_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / ".trial-003.lock").touch()
    assert not Holds(tmp_path).taken(3)
    assert Holds(tmp_path).take(3)


def test_one_process_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE_S", 0.1)
    holds = Holds(tmp_path)
    with FileLock(tmp_path / ".lock"), pytest.raises(OutputError, match="has it locked"):
        holds.whole().__enter__()
    with holds.whole(), holds.whole(), pytest.raises(OutputError), Holds(tmp_path).whole():
        pass


def test_where_nothing_can_be_locked(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()
    with pytest.raises(OutputError, match=r"cannot be locked there .*choose another -o"):
        Holds(tmp_path).whole().__enter__()
