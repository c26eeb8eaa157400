"""Helper processes: what crashes there does not crash here."""

from __future__ import annotations

import asyncio
import os
import signal
import time
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


def test_what_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crispen.server.aides._QUICK_S", 3.0)

    async def ask(aides: Aides) -> int:
        with pytest.raises(ApiError, match="too long"):
            await aides.quick(time.sleep, 60)
        return await aides.quick(abs, -3)

    aides = Aides()
    began = time.monotonic()
    assert asyncio.run(ask(aides)) == 3
    assert time.monotonic() - began < 30
    aides.close()


def refuse(text: str) -> None:
    raise InputError(text)


def test_errors_come_back_as_they_are() -> None:
    aides = Aides()
    with pytest.raises(InputError, match="no such picture"):
        asyncio.run(aides.quick(refuse, "no such picture"))
    aides.close()
