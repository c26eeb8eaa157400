"""Helper processes: what crashes there does not crash here."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from crispen.errors import InputError
from crispen.server.api_errors import ApiError
from crispen.server.services.helper_processes import HelperProcesses


def die_once(mark: Path) -> str:
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "alive"


def test_one_that_died_of_something_else_is_asked_again(tmp_path: Path) -> None:
    helpers = HelperProcesses()
    assert asyncio.run(helpers.quick(die_once, tmp_path / "mark")) == "alive"
    helpers.close()


def crash() -> None:
    os._exit(1)


def test_what_crashes_its_reader_is_damaged() -> None:
    async def ask(helpers: HelperProcesses) -> int:
        with pytest.raises(ApiError, match="damaged"):
            await helpers.quick(crash)
        return await helpers.quick(abs, -3)

    helpers = HelperProcesses()
    assert asyncio.run(ask(helpers)) == 3
    helpers.close()


def test_what_hangs_is_ended() -> None:
    async def ask(helpers: HelperProcesses) -> int:
        with pytest.raises(ApiError, match="it is kept, so try again") as caught:
            await helpers.quick(time.sleep, 60)
        assert caught.value.status == 503
        return await helpers.quick(abs, -3)

    helpers = HelperProcesses(quick_s=10.0)  # in which another one starts, too
    began = time.monotonic()
    assert asyncio.run(ask(helpers)) == 3
    assert time.monotonic() - began < 50
    helpers.close()


def test_waiting_for_a_helper_does_not_count() -> None:
    async def ask(helpers: HelperProcesses) -> None:
        await helpers.quick(abs, -3)  # it has started
        await asyncio.gather(*(helpers.quick(time.sleep, 1.0) for _ in range(5)))

    helpers = HelperProcesses(quick_s=2.5)
    asyncio.run(ask(helpers))  # five seconds in all
    helpers.close()


def note_and_sleep(notes: Path, seconds: float) -> None:
    (notes / secrets.token_hex(4)).touch()
    time.sleep(seconds)


def test_one_that_is_ended_takes_no_other_along(tmp_path: Path) -> None:
    async def ask(helpers: HelperProcesses) -> None:
        hung = asyncio.create_task(helpers.slow(time.sleep, 60))
        await asyncio.sleep(5.0)
        good = asyncio.create_task(helpers.slow(note_and_sleep, tmp_path, 9.0))
        with pytest.raises(ApiError, match="took longer"):
            await hung
        await good

    helpers = HelperProcesses(slow_s=12)
    asyncio.run(ask(helpers))
    assert len(list(tmp_path.iterdir())) == 1  # it did not begin again
    helpers.close()


def test_who_goes_away_takes_the_helper_along() -> None:
    async def ask(helpers: HelperProcesses) -> None:
        task = asyncio.create_task(helpers.trial(time.sleep, 60))
        while not helpers._trial.busy or not _processes(helpers):
            await asyncio.sleep(0.02)
        (process,) = _processes(helpers)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # The pool's own thread may fetch the code first; `join` then returns before it is known.
        until = time.monotonic() + 60
        while process.exitcode is None and time.monotonic() < until:
            await asyncio.sleep(0.02)
        assert process.exitcode == -signal.SIGKILL

    helpers = HelperProcesses()
    asyncio.run(ask(helpers))
    helpers.close()


def _processes(helpers: HelperProcesses) -> list[BaseProcess]:
    return [
        process
        for pool in helpers._trial.busy
        for process in (getattr(pool, "_processes", None) or {}).values()
    ]


def eat(size: int) -> int:
    return len(bytearray(size))


def test_a_trial_has_little_memory_and_little_time() -> None:
    async def ask(helpers: HelperProcesses) -> None:
        assert await helpers.trial(eat, 10 << 20) == 10 << 20
        with pytest.raises(ApiError, match=r"more than 0\.5 GB of memory"):
            await helpers.trial(eat, 1 << 30)
        with pytest.raises(ApiError, match="after 4 s; use another"):
            await helpers.trial(time.sleep, 60)
        # The others are not limited.
        assert await helpers.quick(eat, 1 << 30) == 1 << 30

    helpers = HelperProcesses(trial_s=4.0, trial_bytes=1 << 29)
    asyncio.run(ask(helpers))
    helpers.close()


def refuse(text: str) -> None:
    raise InputError(text)


def test_errors_come_back_as_they_are() -> None:
    helpers = HelperProcesses()
    with pytest.raises(InputError, match="no such picture"):
        asyncio.run(helpers.quick(refuse, "no such picture"))
    helpers.close()
