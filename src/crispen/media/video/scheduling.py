"""Keeps an encoder from changing how this process is scheduled."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Iterator

# Linux, capability.h: the third version of the calls, and the right to any scheduling policy.
_VERSION = 0x20080522
_CAP_SYS_NICE = 1 << 23


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


@contextlib.contextmanager
def kept_scheduling() -> Iterator[None]:
    """Take the right to set scheduling policies from this thread in the block, and new ones.

    Where it has that right (root, as in most containers), SVT-AV1 makes its threads real-time ones
    of the highest priority, and for good the main thread too, at a moment of its own: whatever
    that starts later inherits it, and a few of them starve a machine until not even SIGKILL gets
    through. Threads that begin in the block never get the right back. Elsewhere than on Linux, and
    without that right, nothing happens.
    """
    if sys.platform != "linux":
        yield
        return
    calls = ctypes.CDLL(None)
    header, sets = _Header(_VERSION, 0), (_Sets * 2)()
    known = calls.capget(ctypes.byref(header), sets) == 0
    if not known or not sets[0].effective & _CAP_SYS_NICE:
        yield
        return
    sets[0].effective &= ~_CAP_SYS_NICE
    calls.capset(ctypes.byref(header), sets)
    try:
        yield
    finally:
        sets[0].effective |= _CAP_SYS_NICE
        calls.capset(ctypes.byref(header), sets)
