"""The functions of `crispen` for ``async`` programs: the work is done in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from crispen.enhance.api import enhance, enhance_video
from crispen.errors import CrispenError
from crispen.progress import Progress

_P = ParamSpec("_P")
_T = TypeVar("_T")


def _in_a_thread(function: Callable[_P, _T], doc: str) -> Callable[_P, Coroutine[Any, Any, _T]]:
    """`function`, to be awaited. If its task is cancelled, the work ends and cleans up first."""

    @functools.wraps(function)
    async def run(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        given = kwargs.get("progress")
        progress = given if isinstance(given, Progress) else Progress()
        kwargs["progress"] = progress
        call = functools.partial(function, *args, **kwargs)
        work = asyncio.get_running_loop().run_in_executor(None, call)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            progress.cancel()
            with contextlib.suppress(CrispenError):
                await work
            raise

    run.__name__ = run.__qualname__ = f"{function.__name__}_async"
    run.__module__ = __name__
    run.__doc__ = doc
    return run


enhance_async = _in_a_thread(
    enhance,
    """The same as `enhance` for ``async`` programs: the event loop goes on meanwhile.

    Arguments, result and errors are those of `enhance`. Cancelling the task stops the work.
    Listeners of `progress` are called in another thread. Pictures that are enhanced at the same
    time share the cores and add up in memory, so that a semaphore of two or so suits best.

    >>> import asyncio, numpy as np, crispen
    >>> asyncio.run(crispen.enhance_async(np.zeros((8, 12), np.uint8), scale=2)).pixels.shape
    (16, 24, 1)
    """,
)
enhance_video_async = _in_a_thread(
    enhance_video,
    """The same as `enhance_video` for ``async`` programs: the event loop goes on meanwhile.

    Arguments, result and errors are those of `enhance_video`. Cancelling the task stops the work,
    and the same call continues it later. Listeners of `progress` are called in another thread.
    """,
)
