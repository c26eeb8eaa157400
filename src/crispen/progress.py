"""The one progress-and-cancel protocol that the command line, the server and Python share.

Work that takes over a second asks for a `Task` and reports its progress to it. The code that
started the work can listen, and can cancel: the next `advance` then raises `Cancelled`, and the
work's own ``with`` blocks clean up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from crispen.errors import Cancelled


@dataclass(frozen=True, slots=True)
class Event:
    """Progress of a piece of work.

    Attributes:
        what: What is being done, for people.
        done: How much is done, in `unit`.
        total: Amount in all, or None if unknown.
        unit: ``px``, ``frames``, ``files``, ``steps``, ``bytes``.
        elapsed_s: Seconds since it began.
        finished: The last event of its task.
    """

    what: str
    done: float
    total: float | None
    unit: str
    elapsed_s: float
    finished: bool = False

    @property
    def rate(self) -> float:
        """`unit` per second so far."""
        return self.done / self.elapsed_s if self.elapsed_s > 0 else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds left at that rate, or None if unknown."""
        if self.total is None or self.done <= 0:
            return None
        return max(0.0, self.total - self.done) / self.rate if self.rate else None


Listener = Callable[[Event], None]


class Progress:
    """Hands out tasks, passes their events on, and can be cancelled from any thread."""

    def __init__(self, listener: Listener | None = None) -> None:
        self._listener = listener
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Ask the work to stop at its next step."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether cancellation was requested."""
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raise `Cancelled` if cancellation was requested."""
        if self._cancelled.is_set():
            raise Cancelled()

    def task(self, what: str, total: float | None = None, unit: str = "px") -> Task:
        """Begin a piece of work; use it in a ``with`` block."""
        return Task(self, what, total, unit)

    def emit(self, event: Event) -> None:
        """Pass an event on to the listener."""
        if self._listener is not None:
            self._listener(event)


class Task:
    """One piece of work; made by `Progress.task`."""

    def __init__(self, progress: Progress, what: str, total: float | None, unit: str) -> None:
        self._progress = progress
        self._what = what
        self._total = total
        self._unit = unit
        self._done = 0.0
        self._began = time.monotonic()

    def __enter__(self) -> Task:
        self._emit()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._emit(finished=True)

    def expect(self, total: float | None) -> None:
        """Correct the amount in all; shown with the next step."""
        self._total = total

    def advance(self, amount: float = 1.0) -> None:
        """Say that `amount` more is done; raises `Cancelled` if it should stop."""
        self._done += amount
        self._emit()
        self._progress.check()

    def _emit(self, *, finished: bool = False) -> None:
        elapsed = time.monotonic() - self._began
        self._progress.emit(
            Event(self._what, self._done, self._total, self._unit, elapsed, finished)
        )
