"""The time for deleting files: a clock that is set forward by mistake deletes nothing.

A machine without a battery, a virtual machine that is resumed or a slip of the keyboard moves the
clock by days, and everything that is kept for a week would be deleted at once. So time passes here
as the monotonic clock says, and a jump of the other clock counts only after an hour.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

log = logging.getLogger("crispen.server")

_SLACK_S = 60.0
_BELIEVE_S = 3600.0


def _steady() -> float:
    # Unlike monotonic(), it continues while the machine sleeps.
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class Clock:
    """Seconds since 1970, without jumps forward.

    Args:
        wall: The clock that may jump.
        steady: The one that does not.
    """

    def __init__(
        self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = _steady
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._offset = wall() - steady()
        self._jumped: tuple[float, float] | None = None

    def now(self) -> float:
        """The current time; never later than the machine's clock."""
        wall, steady = self._wall(), self._steady()
        ahead = wall - steady - self._offset
        if ahead < _SLACK_S:
            # Small corrections are followed; a clock set back is followed, since it deletes less.
            self._offset += ahead
            self._jumped = None
            return wall
        since, by = self._jumped or (steady, ahead)
        if abs(ahead - by) > _SLACK_S:  # it jumped again
            since, by = steady, ahead
        if self._jumped is None or self._jumped[0] != since:
            log.warning("the clock jumped ahead by %.0f s; nothing more is deleted for an hour", by)
        self._jumped = since, by
        if steady - since > _BELIEVE_S:
            self._offset += ahead
            self._jumped = None
            return wall
        return steady + self._offset
