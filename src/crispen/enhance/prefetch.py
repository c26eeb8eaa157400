"""An iterator that works ahead in its own thread.

This is how decoding, the network and encoding overlap: each is a thread that is at most a band
ahead of the next. Errors pass through to the consumer, and leaving the ``with`` block ends the
thread.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")


class _End:
    """Marks the end of a stream, and why it ended."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class Prefetch(Generic[T]):
    """Runs an iterator in a thread, up to `ahead` items in advance.

    Args:
        items: The iterator to run; a generator is closed at the end.
        ahead: Maximum number of waiting items.
        check: Called before each item and while waiting for one, about ten times a second; may
            raise.
        interrupt: Called with the thread's ident when the block is left early, again and again
            until the thread has ended; may interrupt its work.
    """

    def __init__(
        self,
        items: Iterator[T],
        *,
        ahead: int = 1,
        check: Callable[[], None] | None = None,
        interrupt: Callable[[int], None] | None = None,
    ) -> None:
        self._items = items
        self._check = check
        self._interrupt = interrupt
        self._queue: queue.Queue[T | _End] = queue.Queue(maxsize=ahead)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="crispen-prefetch", daemon=True)

    @property
    def stopped(self) -> bool:
        """Whether no more items are needed; long steps can check this and stop."""
        return self._stopped.is_set()

    def __enter__(self) -> Prefetch[T]:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        while self._thread.is_alive():
            if self._interrupt is not None and self._thread.ident is not None:
                self._interrupt(self._thread.ident)
            # The thread may be waiting for room to put its last item.
            with contextlib.suppress(queue.Empty):
                self._queue.get_nowait()
            self._thread.join(0.02)

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        while True:
            if self._check is not None:
                self._check()
            try:
                item = self._queue.get(timeout=0.1)
            except queue.Empty:
                if self._stopped.is_set():
                    raise StopIteration from None
                continue
            if isinstance(item, _End):
                self._stopped.set()
                if item.error is not None:
                    raise item.error
                raise StopIteration
            return item

    def _work(self) -> None:
        error: BaseException | None = None
        try:
            for item in self._items:
                self._queue.put(item)
                if self._stopped.is_set():
                    break
        except BaseException as caught:  # any error belongs to the consumer
            error = caught
        close = getattr(self._items, "close", None)
        if close is not None:
            close()
        # Without a reader, the queue may stay full.
        with contextlib.suppress(queue.Full):
            self._queue.put(_End(error), timeout=None if not self._stopped.is_set() else 0.0)
