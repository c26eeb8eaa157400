"""Loops go on after failures, wait longer after each, and say so meanwhile."""

from __future__ import annotations

import asyncio
import logging
import threading
import time

import pytest

from crispen.errors import CrispenError
from crispen.jobs.supervisor import Supervisor

PATIENCE_S = 10.0


class Rounds:
    """A loop's round that fails while it is told to."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.count = 0
        self.good = threading.Event()

    def __call__(self) -> None:
        self.count += 1
        if self.count <= self.failures:
            raise CrispenError("the database is away")
        self.good.set()

    async def wait(self) -> None:
        self()


def test_waits_double_up_to_the_most_and_begin_again_after_a_success() -> None:
    supervisor = Supervisor(first_s=0.5, most_s=3.0)
    rounds = Rounds(5)
    assert [supervisor.attempt("x", rounds) for _ in range(6)] == [0.5, 1.0, 2.0, 3.0, 3.0, 0.0]
    rounds.count = 4
    assert supervisor.attempt("x", rounds) == 0.5


def test_trouble_is_named_until_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    supervisor = Supervisor()
    rounds = Rounds(3)
    with caplog.at_level(logging.WARNING, "crispen.jobs"):
        for _ in range(3):
            supervisor.attempt("events", rounds)
            assert supervisor.troubles == {"events": "the database is away"}
        supervisor.attempt("events", rounds)
        supervisor.attempt("events", rounds)
    assert supervisor.troubles == {}
    # One line when it begins and one when it ends, however often it was tried.
    first, last = (record.getMessage() for record in caplog.records)
    assert first == "events fails and is tried again: the database is away"
    assert last.startswith("events works again after 3 failures in ")


def test_an_unexpected_error_is_logged_with_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    supervisor = Supervisor()
    supervisor.attempt("x", lambda: 1 // 0)
    assert supervisor.troubles == {"x": "ZeroDivisionError"}
    assert caplog.records[0].exc_info is not None


def test_a_thread_goes_on_after_failures() -> None:
    supervisor, rounds, ending = Supervisor(first_s=0.01), Rounds(3), threading.Event()
    thread = supervisor.thread("x", rounds, ending, every_s=0.01)
    assert rounds.good.wait(PATIENCE_S)
    ending.set()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert rounds.count >= 4


def test_a_task_goes_on_after_failures_and_ends_when_cancelled() -> None:
    supervisor, rounds = Supervisor(first_s=0.01), Rounds(3)

    async def work() -> None:
        task = asyncio.create_task(supervisor.watch("x", rounds.wait, every_s=0.01))
        async with asyncio.timeout(PATIENCE_S):
            while not rounds.good.is_set():
                await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(work())
    assert rounds.count >= 4


def test_a_round_that_hangs_is_trouble_unless_it_may_be_slow() -> None:
    supervisor, go, ending = Supervisor(stalled_s=0.05), threading.Event(), threading.Event()
    threads = [
        threading.Thread(target=supervisor.attempt, args=("pool", go.wait)),
        threading.Thread(
            target=supervisor.attempt, args=("cleaning", go.wait), kwargs={"slow": True}
        ),
    ]
    for thread in threads:
        thread.start()
    end = time.monotonic() + PATIENCE_S
    while not supervisor.troubles and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.1)
    assert list(supervisor.troubles) == ["pool"]
    assert supervisor.troubles["pool"].startswith("has not answered for ")
    go.set()
    ending.set()
    for thread in threads:
        thread.join()
    assert supervisor.troubles == {}


def test_a_loop_that_ended_is_no_trouble() -> None:
    supervisor = Supervisor()
    supervisor.attempt("heartbeat", Rounds(1))
    supervisor.forget("heartbeat")
    assert supervisor.troubles == {}
