"""Peak memory of a piece of work, if the system reports it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PROCESS = Path("/proc/self")
_RESET_PEAK = "5"  # proc(5), clear_refs


@dataclass(slots=True)
class Peak:
    """What `peak_memory` found.

    Attributes:
        bytes: Peak resident memory of the whole process; None if the system does not report it.
    """

    bytes: int | None = None


@contextmanager
def peak_memory() -> Iterator[Peak]:
    """Measures the process's peak resident memory during the block; Linux only."""
    peak, known = Peak(), True
    try:
        (_PROCESS / "clear_refs").write_text(_RESET_PEAK)
    except OSError:
        known = False
    yield peak
    if known:
        peak.bytes = resident_peak()


def resident_peak() -> int | None:
    """Peak resident memory since the last reset, in bytes, or None."""
    try:
        status = (_PROCESS / "status").read_text()
    except OSError:
        return None
    return bytes_said(status, "VmHWM")


def bytes_said(text: str, key: str) -> int | None:
    """A line of ``/proc/meminfo`` or ``/proc/self/status`` in bytes; None if there is none.

    >>> bytes_said("MemAvailable: 2048 kB", "MemAvailable")
    2097152
    """
    found = re.search(rf"^{key}:\s*(\d+) kB$", text, re.MULTILINE)
    return 1024 * int(found[1]) if found else None
