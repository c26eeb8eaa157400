"""Rate limits and limits on simultaneous use."""

from __future__ import annotations

import time
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

_KEPT = 10_000


class Rate:
    """A number of events per minute for each key, short bursts included (token bucket).

    The `limits` library counts by the machine's clock, and refuses everybody for an hour after that
    is set back by one; this counts by the monotonic clock.

    Args:
        per_minute: 0 is no limit.
    """

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, key: str, now: float | None = None, *, take: bool = True) -> float:
        """Seconds until the next one is allowed; 0 if this one is.

        Args:
            key: Whose limit.
            now: On the monotonic clock; for tests.
            take: Count this one.
        """
        if not self.per_minute:
            return 0.0
        now = time.monotonic() if now is None else now
        most = float(self.per_minute)
        left, when = self._left.pop(key, (most, now))
        left = min(most, left + (now - when) * most / 60.0)
        good = left >= 1.0
        self._left[key] = (left - 1.0 if good and take else left, now)
        while len(self._left) > _KEPT:
            self._left.popitem(last=False)
        return 0.0 if good else (1.0 - left) * 60.0 / most


class Seats:
    """A number of simultaneous uses for each key.

    Args:
        most: How many.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._taken: defaultdict[str, int] = defaultdict(int)

    def full(self, key: str) -> bool:
        """Whether there is no room for another."""
        return self._taken.get(key, 0) >= self.most

    @contextmanager
    def seat(self, key: str) -> Iterator[None]:
        """One use while the block lasts; check `full` first."""
        self._taken[key] += 1
        try:
            yield
        finally:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]
