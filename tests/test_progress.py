"""Progress is passed on, and a cancel ends the work at its next step."""

from __future__ import annotations

import pytest

from crispen.errors import Cancelled
from crispen.progress import Event, Progress


def test_events_from_the_beginning_to_the_end() -> None:
    events: list[Event] = []
    progress = Progress(events.append)
    with progress.task("enhancing", 4, "frames") as task:
        task.advance()
        task.advance(3)
    assert [(e.done, e.finished) for e in events] == [(0, False), (1, False), (4, False), (4, True)]
    assert {(e.what, e.total, e.unit) for e in events} == {("enhancing", 4, "frames")}


def test_a_cancel_is_raised_by_the_next_step_and_the_task_still_ends() -> None:
    events: list[Event] = []
    progress = Progress(events.append)
    with progress.task("work") as task:
        task.advance()
        progress.cancel()
        with pytest.raises(Cancelled):
            task.advance()
    assert events[-1].finished
    assert progress.cancelled
    with pytest.raises(Cancelled):
        progress.check()


@pytest.mark.parametrize(
    ("done", "total", "elapsed_s", "rate", "left_s"),
    [(20, 100, 10.0, 2.0, 40.0), (0, 100, 10.0, 0.0, None), (5, None, 10.0, 0.5, None)],
)
def test_rate_and_time_left(
    done: float, total: float | None, elapsed_s: float, rate: float, left_s: float | None
) -> None:
    event = Event("x", done, total, "px", elapsed_s)
    assert event.rate == rate
    assert event.left_s == left_s
    assert Event("x", 0, 1, "px", 0.0).rate == 0.0
