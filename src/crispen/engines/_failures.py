"""Errors that OpenVINO raises for networks that it cannot read or run, and their texts."""

from __future__ import annotations

# Its own errors are RuntimeErrors. Its binding adds Python's: for names that are not UTF-8, and for
# sides and types that overflow a C integer.
FAILURES = (RuntimeError, ValueError, TypeError, IndexError, OverflowError)


def last_line(error: BaseException) -> str:
    r"""The most informative line of its text.

    >>> last_line(RuntimeError("Exception from src/core.cpp:1:\n no such operator \n"))
    'no such operator'
    """
    lines = str(error).strip().splitlines() or ["no further text"]
    return lines[-1].strip()
