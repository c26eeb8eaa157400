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
from crispen.server.aides import Aides
from crispen.server.errors import ApiError


def die_once(mark: Path) -> str:
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "alive"


def test_one_that_died_of_something_else_is_asked_again(tmp_path: Path) -> None:
    aides = Aides()
    assert asyncio.run(aides.quick(die_once, tmp_path / "mark")) == "alive"
    aides.close()


def crash() -> None:
    os._exit(1)


def test_what_crashes_its_reader_is_damaged() -> None:
    async def ask(aides: Aides) -> int:
        with pytest.raises(ApiError, match="damaged"):
            await aides.quick(crash)
        return await aides.quick(abs, -3)

    aides = Aides()
    assert asyncio.run(ask(aides)) == 3
    aides.close()


def test_what_hangs_is_ended() -> None:
    async def ask(aides: Aides) -> int:
        with pytest.raises(ApiError, match="it is kept, so try again") as caught:
            await aides.quick(time.sleep, 60)
        assert caught.value.status == 503
        return await aides.quick(abs, -3)

    aides = Aides(quick_s=3.0)
    began = time.monotonic()
    assert asyncio.run(ask(aides)) == 3
    assert time.monotonic() - began < 30
    aides.close()


def test_waiting_for_a_helper_does_not_count() -> None:
    async def ask(aides: Aides) -> None:
        await aides.quick(abs, -3)  # it has started
        await asyncio.gather(*(aides.quick(time.sleep, 1.0) for _ in range(5)))

    aides = Aides(quick_s=2.5)
    asyncio.run(ask(aides))  # five seconds in all
    aides.close()


def note_and_sleep(notes: Path, seconds: float) -> None:
    (notes / secrets.token_hex(4)).touch()
    time.sleep(seconds)


def test_one_that_is_ended_takes_no_other_along(tmp_path: Path) -> None:
    async def ask(aides: Aides) -> None:
        hung = asyncio.create_task(aides.slow(time.sleep, 60))
        await asyncio.sleep(2.0)
        good = asyncio.create_task(aides.slow(note_and_sleep, tmp_path, 4.0))
        with pytest.raises(ApiError, match="took longer"):
            await hung
        await good

    aides = Aides(slow_s=5.5)
    asyncio.run(ask(aides))
    assert len(list(tmp_path.iterdir())) == 1  # it did not begin again
    aides.close()


def test_who_goes_away_takes_the_helper_along() -> None:
    async def ask(aides: Aides) -> None:
        task = asyncio.create_task(aides.trial(time.sleep, 60))
        while not aides._trial.busy or not _processes(aides):
            await asyncio.sleep(0.02)
        (process,) = _processes(aides)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(process.join, 10)
        assert process.exitcode == -signal.SIGKILL

    aides = Aides()
    asyncio.run(ask(aides))
    aides.close()


def _processes(aides: Aides) -> list[BaseProcess]:
    return [
        process
        for pool in aides._trial.busy
        for process in (getattr(pool, "_processes", None) or {}).values()
    ]


def eat(size: int) -> int:
    return len(bytearray(size))


def test_a_trial_has_little_memory_and_little_time() -> None:
    async def ask(aides: Aides) -> None:
        assert await aides.trial(eat, 10 << 20) == 10 << 20
        with pytest.raises(ApiError, match=r"more than 0\.5 GB of memory"):
            await aides.trial(eat, 1 << 30)
        with pytest.raises(ApiError, match="after 4 s; use another"):
            await aides.trial(time.sleep, 60)
        # The others are not limited.
        assert await aides.quick(eat, 1 << 30) == 1 << 30

    aides = Aides(trial_s=4.0, trial_bytes=1 << 29)
    asyncio.run(ask(aides))
    aides.close()


def refuse(text: str) -> None:
    raise InputError(text)


def test_errors_come_back_as_they_are() -> None:
    aides = Aides()
    with pytest.raises(InputError, match="no such picture"):
        asyncio.run(aides.quick(refuse, "no such picture"))
    aides.close()
