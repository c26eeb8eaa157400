"""Helper processes for what reads files of strangers: whatever crashes there, the server stands.

They also keep libvips, FFmpeg and OpenVINO out of the server's own process. One is for short
questions (what is this file?), two for what may take long (previews, measuring, trying a
model out); neither kind waits for the other, nor for the workers.
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
# As with jobs.
_TRIES = 3
_SLOW_ONES = 2  # so that a picture's preview does not wait for a long video's


class Aides:
    """The helper processes of one server; started when first needed."""

    def __init__(self) -> None:
        self._pools: dict[float, ProcessPoolExecutor] = {}

    async def quick(self, function: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
        """What `function` answers, in another process; both must be picklable.

        Raises:
            ApiError: It crashed each time, or took too long.
        """
        return await self._ask(_QUICK_S, function, *args, **more)

    async def slow(self, function: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
        """As `quick`, for what may take minutes."""
        return await self._ask(_SLOW_S, function, *args, **more)

    def close(self) -> None:
        """End them."""
        for limit_s in list(self._pools):
            self._drop(limit_s)

    async def _ask(
        self, limit_s: float, function: Callable[P, T], *args: P.args, **more: P.kwargs
    ) -> T:
        for tries_left in reversed(range(_TRIES)):
            pool = self._pools.get(limit_s)
            if pool is None:
                pool = self._pools[limit_s] = _pool(1 if limit_s == _QUICK_S else _SLOW_ONES)
            try:
                future = pool.submit(function, *args, **more)
                async with asyncio.timeout(limit_s):
                    return await asyncio.wrap_future(future)
            except BrokenProcessPool as error:
                # It may have died of something else; then the next one does not.
                self._drop(limit_s, pool)
                log.error("a helper process died")
                if not tries_left:
                    raise ApiError(
                        422, "bad_input", "the file makes its reader crash; it is damaged"
                    ) from error
            except TimeoutError as error:
                self._drop(limit_s, pool)
                log.error("a helper process took longer than %.0f s", limit_s)
                raise ApiError(
                    422, "too_slow", "reading the file takes too long; it may be damaged"
                ) from error
        raise AssertionError("unreachable")

    def _drop(self, limit_s: float, pool: ProcessPoolExecutor | None = None) -> None:
        """Forget a pool, unless somebody else has replaced it meanwhile."""
        found = self._pools.get(limit_s)
        if found is None or (pool is not None and found is not pool):
            return
        del self._pools[limit_s]
        processes = list((getattr(found, "_processes", None) or {}).values())
        found.shutdown(wait=False, cancel_futures=True)
        for process in processes:  # one that hangs would be waited for at exit
            process.kill()


def _pool(processes: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        processes, mp_context=multiprocessing.get_context("spawn"), initializer=_begin
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
