"""Threads for database calls, so that a slow database blocks nothing else.

A lock of SQLite's or a database server that restarts delays every query by seconds.
In the event loop that would hold up every request; in the threads that all blocking work shares,
every upload and file. So queries to the queue have threads of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_THREADS = 32


class DatabaseThreads:
    """The threads of one server."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, "queue")

    async def run(self, function: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
        """What `function` returns, which may query the queue."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: function(*args, **more))

    def close(self) -> None:
        """Accept no more work."""
        self._threads.shutdown(wait=False, cancel_futures=True)
