"""Helper processes for what reads files of strangers: whatever crashes there, the server stands.

They also keep libvips, FFmpeg and OpenVINO out of the server's own process. One is for short
questions (what is this file?), one for what may take long (previews, measuring, trying a
model out); neither waits for the other, nor for the workers.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from crispen.server.errors import ApiError

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger("crispen.server")

_QUICK_S = 60.0
_SLOW_S = 1800.0


class Aides:
    """The helper processes of one server; started when first needed."""

    def __init__(self) -> None:
        self._quick: ProcessPoolExecutor | None = None
        self._slow: ProcessPoolExecutor | None = None

    async def quick(self, function: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
        """What `function` answers, in another process; both must be picklable.

        Raises:
            ApiError: It crashed, or took too long.
        """
        if self._quick is None:
            self._quick = _pool()
        try:
            return await _call(self._quick, _QUICK_S, function, *args, **more)
        except (BrokenProcessPool, TimeoutError) as error:
            _drop(self._quick)
            self._quick = None
            raise _crashed(error) from error

    async def slow(self, function: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
        """As `quick`, for what may take minutes."""
        if self._slow is None:
            self._slow = _pool()
        try:
            return await _call(self._slow, _SLOW_S, function, *args, **more)
        except (BrokenProcessPool, TimeoutError) as error:
            _drop(self._slow)
            self._slow = None
            raise _crashed(error) from error

    def close(self) -> None:
        """End them."""
        _drop(self._quick)
        _drop(self._slow)
        self._quick = self._slow = None


async def _call(
    pool: ProcessPoolExecutor,
    timeout_s: float,
    function: Callable[P, T],
    *args: P.args,
    **more: P.kwargs,
) -> T:
    future = pool.submit(function, *args, **more)
    async with asyncio.timeout(timeout_s):
        return await asyncio.wrap_future(future)


def _pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        1, mp_context=multiprocessing.get_context("spawn"), initializer=_begin
    )


def _begin() -> None:
    """In the helper: one thread for pictures, and an end with the server's."""
    os.environ["VIPS_CONCURRENCY"] = "1"
    parent = multiprocessing.parent_process()

    def end() -> None:
        if parent is not None:
            parent.join()
        os._exit(0)

    threading.Thread(target=end, name="parent", daemon=True).start()
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _drop(pool: ProcessPoolExecutor | None) -> None:
    if pool is not None:
        processes = list((getattr(pool, "_processes", None) or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:  # one that hangs would be waited for at exit
            process.kill()


def _crashed(error: Exception) -> ApiError:
    log.error("a helper process failed: %s", error or type(error).__name__)
    if isinstance(error, TimeoutError):
        return ApiError(422, "too_slow", "reading the file takes too long; it may be damaged")
    return ApiError(422, "bad_input", "the file makes its reader crash; it is damaged")
