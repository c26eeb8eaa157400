"""What OpenVINO raises for networks that it cannot read or run, and what it says of them."""

from __future__ import annotations

# Its own errors are RuntimeErrors. Its binding adds those of Python: for names that are not UTF-8,
# and for sides and types beyond what a number of C holds.
FAILURES = (RuntimeError, ValueError, TypeError, IndexError, OverflowError)


def last_line(error: BaseException) -> str:
    r"""The line of its text that says most.

    >>> last_line(RuntimeError("Exception from src/core.cpp:1:\n no such operator \n"))
    'no such operator'
    """
    lines = str(error).strip().splitlines() or ["no further text"]
    return lines[-1].strip()
