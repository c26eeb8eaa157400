"""A queue that an iterator fills as it is emptied, since a batch may have millions of files."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class Stream(Generic[T]):
    """Items of an iterator, one of which is fetched in advance.

    Args:
        items: Fetched one after the other.
        count: About how many there are.

    >>> stream = Stream("abc", 3)
    >>> stream.popleft(), len(stream), bool(stream)
    ('a', 2, True)
    """

    def __init__(self, items: Iterable[T], count: int) -> None:
        self._items = iter(items)
        self._left = count
        self._ready: deque[T] = deque()
        self._fill()

    def __bool__(self) -> bool:
        return bool(self._ready)

    def __len__(self) -> int:
        return max(self._left, len(self._ready))

    @property
    def first(self) -> T:
        """The next item; IndexError if there is none."""
        return self._ready[0]

    def popleft(self) -> T:
        """Take the next item; IndexError if there is none."""
        item = self._ready.popleft()
        self._left -= 1
        self._fill()
        return item

    def appendleft(self, item: T) -> None:
        """Put an item before the others."""
        self._ready.appendleft(item)
        self._left += 1

    def _fill(self) -> None:
        if self._ready:
            return
        for item in self._items:
            self._ready.append(item)
            return
        self._left = 0  # fewer than expected
