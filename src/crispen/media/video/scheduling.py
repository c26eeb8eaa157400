"""The scheduling of this process, kept from an encoder that would change it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def kept_scheduling() -> Iterator[None]:
    """Give every thread the caller's scheduling policy again, new threads included.

    Where the user may (root, as in most containers), SVT-AV1 makes its threads real-time ones of
    the highest priority as it opens, and the calling thread too, for good: whatever that starts
    later inherits it, and a few of them starve a machine until not even SIGKILL gets through.
    Elsewhere than on Linux nothing happens.
    """
    if not hasattr(os, "sched_setscheduler"):
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    others = _policies()
    try:
        yield
    finally:
        for thread, now in _policies().items():
            if now != others.get(thread, policy):
                with contextlib.suppress(OSError):  # the thread has ended
                    os.sched_setscheduler(thread, policy, parameters)


def _policies() -> dict[int, int]:
    """The scheduling policy of each thread of this process, by its id."""
    found = {}
    for thread in Path("/proc/self/task").glob("*"):
        with contextlib.suppress(OSError):
            found[int(thread.name)] = os.sched_getscheduler(int(thread.name))
    return found
