"""Helper processes that read untrusted files: a crash there does not affect the server.

They also keep libvips, FFmpeg and OpenVINO out of the server's own process. One is for short
questions (what is this file?), two for what can take long (previews, measuring), and one, which is
started for each use and has little memory, tries out models that users add. No kind waits for
another, nor for the workers. A time limit counts from when a helper begins to work.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import os
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from crispen.server.api_errors import ApiError

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger("crispen.server")

# As with jobs.
_TRIES = 3


@dataclass(eq=False, slots=True)
class _Kind:
    """Helpers of one kind.

    Attributes:
        count: Number of workers; further requests wait.
        limit_s: Seconds that one question may take.
        memory_bytes: Memory that a helper may use beyond what it starts with; None is no limit.
        once: A helper answers one question and ends.
    """

    count: int
    limit_s: float
    memory_bytes: int | None = None
    once: bool = False
    free: asyncio.Semaphore = field(init=False)
    idle: list[ProcessPoolExecutor] = field(default_factory=list)
    busy: set[ProcessPoolExecutor] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.free = asyncio.Semaphore(self.count)


class HelperProcesses:
    """The helper processes of one server; started when first needed.

    Args:
        quick_s: Seconds that a short question may take.
        slow_s: Seconds that a long one may take.
        trial_s: Seconds that trying a model out may take.
        trial_bytes: Memory that trying a model out may take.
    """

    def __init__(
        self,
        *,
        quick_s: float = 60.0,
        slow_s: float = 1800.0,
        trial_s: float = 30.0,
        trial_bytes: int = 3 << 30,
    ) -> None:
        self._quick = _Kind(1, quick_s)
        self._slow = _Kind(2, slow_s)  # so that a picture's preview does not wait for a video's
        self._trial = _Kind(1, trial_s, memory_bytes=trial_bytes, once=True)

    async def quick(self, function: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
        """The result of `function` in another process; both must be picklable.

        If this is cancelled, the helper that works on it is killed.

        Raises:
            ApiError: It crashed each time, or took too long.
        """
        return await self._ask(self._quick, function, *args, **more)

    async def slow(self, function: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
        """As `quick`, for what may take minutes."""
        return await self._ask(self._slow, function, *args, **more)

    async def trial(self, function: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
        """As `quick`, for files that may be malicious: in a process of its own, with little memory.

        Raises:
            ApiError: It took too long or too much memory.
        """
        return await self._ask(self._trial, function, *args, **more)

    def close(self) -> None:
        """End them."""
        for kind in (self._quick, self._slow, self._trial):
            for pool in [*kind.idle, *kind.busy]:
                _kill(pool)
            kind.idle.clear()

    async def _ask(
        self, kind: _Kind, function: Callable[P, T], *args: P.args, **more: P.kwargs
    ) -> T:
        tries = 1 if kind.once else _TRIES
        async with kind.free:
            for tries_left in reversed(range(tries)):
                try:
                    async with _helper(kind) as pool, asyncio.timeout(kind.limit_s):
                        return await asyncio.wrap_future(pool.submit(function, *args, **more))
                except BrokenProcessPool as error:
                    # It may have died for another reason; then the next one survives.
                    log.error("a helper process died")
                    if not tries_left:
                        raise _crashed(kind) from error
                except MemoryError as error:
                    raise _crashed(kind) from error
                except TimeoutError as error:
                    log.error("a helper process took longer than %.0f s", kind.limit_s)
                    raise _too_slow(kind) from error
        raise AssertionError("unreachable")


def _crashed(kind: _Kind) -> ApiError:
    if kind.memory_bytes is None:
        return ApiError(422, "bad_input", "the file makes its reader crash; it is damaged")
    return ApiError(
        422,
        "bad_model",
        "the model crashes, or needs more than "
        f"{kind.memory_bytes / 2**30:.1f} GB of memory for a small picture; use another",
    )


def _too_slow(kind: _Kind) -> ApiError:
    if kind.once:
        return ApiError(
            422,
            "bad_model",
            f"the model has not enlarged a small picture after {kind.limit_s:.0f} s; use another",
        )
    return ApiError(
        503,
        "too_slow",
        f"reading the file took longer than {kind.limit_s:.0f} s; it is kept, so try again "
        "later, or send a smaller one",
        {"Retry-After": "60"},
    )


@contextlib.asynccontextmanager
async def _helper(kind: _Kind) -> AsyncIterator[ProcessPoolExecutor]:
    """A helper for one question; killed unless it answered, even if with a CrispenError."""
    pool = kind.idle.pop() if kind.idle else _pool(kind.memory_bytes)
    kind.busy.add(pool)
    healthy = False
    try:
        yield pool
        healthy = True
    except (BrokenProcessPool, TimeoutError, MemoryError, asyncio.CancelledError):
        raise
    except Exception:
        healthy = True
        raise
    finally:
        kind.busy.discard(pool)
        if healthy and not kind.once:
            kind.idle.append(pool)
        else:
            _kill(pool)


def _kill(pool: ProcessPoolExecutor) -> None:
    processes = list((getattr(pool, "_processes", None) or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:  # otherwise exit would wait for one that hangs
        process.kill()


def _pool(memory_bytes: int | None) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        1,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(memory_bytes,),
    )


def _begin(memory_bytes: int | None) -> None:
    """In the helper: one thread for pictures, little memory, and an end with the server's."""
    os.environ["VIPS_CONCURRENCY"] = "1"
    if memory_bytes is not None:
        _limit_memory(memory_bytes)
    parent = multiprocessing.parent_process()

    def end() -> None:
        if parent is not None:
            parent.join()
        os._exit(0)

    threading.Thread(target=end, name="parent", daemon=True).start()
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _limit_memory(memory_bytes: int) -> None:
    """Limit memory to this beyond what is used already; more raises a MemoryError."""
    try:
        import resource
    except ImportError:  # Windows
        return
    # Data, not address space: OpenVINO and its thread pools reserve far more than they touch.
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
