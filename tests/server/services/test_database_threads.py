"""Queries have threads of their own."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from crispen.server.services.database_threads import DatabaseThreads


def test_a_slow_query_keeps_neither_the_loop_nor_other_queries_waiting() -> None:
    release = threading.Event()

    async def ask() -> None:
        threads = DatabaseThreads()
        slow = asyncio.ensure_future(threads.run(release.wait, 20))
        began = time.monotonic()
        name = await threads.run(lambda: threading.current_thread().name)
        assert time.monotonic() - began < 5
        assert name.startswith("queue")
        release.set()
        assert await slow
        threads.close()

    asyncio.run(ask())


def test_arguments_results_and_errors_come_through() -> None:
    async def ask() -> None:
        threads = DatabaseThreads()
        assert await threads.run(sorted, [3, 1, 2], reverse=True) == [3, 2, 1]
        with pytest.raises(ZeroDivisionError):
            await threads.run(lambda: 1 / 0)
        threads.close()

    asyncio.run(ask())
