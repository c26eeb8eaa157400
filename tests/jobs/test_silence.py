"""Jobs whose workers have stopped giving a sign of life."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from crispen.jobs.database import StoreError
from crispen.jobs.silence import SilenceWatch


def job(id: str, updated: float, worker: str = "w1") -> Any:
    return SimpleNamespace(id=id, worker=worker, updated=updated)


def rounds(watch: SilenceWatch, jobs: list[Any], count: int, start: float = 0.0) -> list[Any]:
    lost: list[Any] = []
    for step in range(count):
        lost = watch.look(jobs, start + step * 0.5)
    return lost


def test_a_row_that_does_not_change_is_lost_after_the_lease() -> None:
    watch = SilenceWatch(3.0, lambda: None)
    silent = job("a", 1.0)
    assert rounds(watch, [silent], 6) == []
    assert rounds(watch, [silent], 4, start=3.0) == [silent]


def test_a_row_that_changes_is_never_lost() -> None:
    watch = SilenceWatch(3.0, lambda: None)
    for step in range(50):
        assert watch.look([job("a", float(step))], step * 0.5) == []


def test_another_worker_begins_again() -> None:
    watch = SilenceWatch(3.0, lambda: None)
    rounds(watch, [job("a", 1.0)], 6)
    assert rounds(watch, [job("a", 1.0, "w2")], 6, start=3.0) == []


def test_time_in_which_nothing_can_be_written_does_not_count() -> None:
    working = True

    def probe() -> None:
        if not working:
            raise StoreError("away")

    watch = SilenceWatch(3.0, probe)
    silent = job("a", 1.0)
    rounds(watch, [silent], 4)
    working = False
    for step in range(100):
        with pytest.raises(StoreError):
            watch.look([silent], 2.0 + step * 0.5)
    working = True
    assert watch.look([silent], 60.0) == []
    assert rounds(watch, [silent], 6, start=60.5) == [silent]


def test_a_pause_counts_as_one_round() -> None:
    watch = SilenceWatch(3.0, lambda: None)
    silent = job("a", 1.0)
    watch.look([silent], 0.0)
    assert watch.look([silent], 1000.0) == []
