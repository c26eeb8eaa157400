"""Work ends when the client that waits for it disconnects."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request

from crispen.server.http.disconnection import gone, while_there


def request(*messages: dict[str, Any]) -> Request:
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        if waiting:
            return waiting.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    return Request({"type": "http"}, receive)


BODY = {"type": "http.request", "body": b"", "more_body": False}
GONE = {"type": "http.disconnect"}


def test_gone_waits_for_the_disconnect() -> None:
    async def wait() -> None:
        await asyncio.wait_for(gone(request(BODY, GONE)), 5)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(gone(request(BODY)), 0.05)

    asyncio.run(wait())


def test_work_of_a_client_that_stays_is_returned() -> None:
    async def work() -> int:
        await asyncio.sleep(0.01)
        return 42

    assert asyncio.run(while_there(request(BODY), work())) == 42


def test_work_of_a_client_that_leaves_is_cancelled() -> None:
    ended = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    with pytest.raises(ClientDisconnect):
        asyncio.run(while_there(request(BODY, GONE), work()))
    assert ended == [True]


def test_errors_of_the_work_come_through() -> None:
    async def work() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        asyncio.run(while_there(request(BODY), work()))
