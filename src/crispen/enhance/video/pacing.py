"""Decides how each frame of a live picture is made, so that its player never runs out of frames.

A frame's lead is the time until it is shown: its own time minus the time played. As long as the
lead is comfortable, frames are enhanced; below a mark they are enlarged bicubically, which takes a
few milliseconds, until the lead is comfortable again; below another mark they are left out.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

Way = Literal["enhance", "bicubic", "drop"]

FRAGMENT_S = 0.25
"""Length of the pieces in which the picture is sent; a frame is shown once its piece is there."""
START_S = 1.0
"""What is made before the first bytes are sent, so that the picture begins with a lead."""
_PATIENCE_S = 2.0  # a viewer waits no longer for the beginning: the rest of it is bicubic
# A piece that has just begun must be complete when its first frame is due, and up to seven frames
# wait between the threads: 0.28 s at 25 frames per second.
_LOW_S = FRAGMENT_S + 0.5
# Twice the low mark, so that the picture does not change every few frames.
_HIGH_S = 2 * _LOW_S
# Such a frame's piece would come after it was due.
_LATE_S = FRAGMENT_S
# Even if everything is too slow, a frame is shown after this much of the clip.
_LEAST_S = 0.5
# More would only use memory, in the player, and be lost when the viewer goes elsewhere.
_FAR_S = 4.0


class Pacing:
    """Knows what has been played, and decides how the next frame is made.

    Args:
        clock: Gives seconds; only differences matter.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._began: float | None = None
        # The time played, and when it was so; None before playing begins and while it is paused.
        self._position = 0.0
        self._since: float | None = None
        self._started = False
        self._enhancing = True
        self._kept: float | None = None

    @property
    def started(self) -> bool:
        """Whether playing has begun."""
        return self._started

    def start(self, position: float) -> None:
        """Playing begins at a time of the result, in seconds."""
        with self._lock:
            self._started = True
            self._position, self._since = position, self._clock()

    def report(self, position: float, *, playing: bool) -> None:
        """The player is at a time of the result, in seconds; ignored before `start`."""
        with self._lock:
            if self._started:
                self._position, self._since = position, self._clock() if playing else None

    @contextmanager
    def handing_over(self) -> Iterator[None]:
        """Bytes are offered to the player: if it takes none, it has enough, and time stands still.

        Without reports, this is how a paused player is recognised.
        """
        began = self._clock()
        yield
        with self._lock:
            if self._since is not None:
                self._position -= self._clock() - max(began, self._since)

    def lead(self, time: float) -> float | None:
        """Seconds until a frame is shown; None before `start`.

        Args:
            time: The frame's, in the result.
        """
        with self._lock:
            return self._lead(time)

    def _lead(self, time: float) -> float | None:
        if not self._started:
            return None
        played = 0.0 if self._since is None else self._clock() - self._since
        return time - self._position - played

    def is_far(self, time: float) -> bool:
        """Whether a frame need not be made yet."""
        lead = self.lead(time)
        return lead is not None and lead > _FAR_S

    def way(self, time: float) -> Way:
        """How the next frame is made.

        Args:
            time: When it is shown, in seconds of the result.
        """
        with self._lock:
            lead = self._lead(time)
            if lead is None:
                self._began = self._clock() if self._began is None else self._began
                self._enhancing = self._clock() - self._began < _PATIENCE_S
            elif lead < _LATE_S and self._kept is not None and time - self._kept < _LEAST_S:
                self._enhancing = False
                return "drop"
            else:
                self._enhancing = lead >= (_LOW_S if self._enhancing else _HIGH_S)
            self._kept = time
            return "enhance" if self._enhancing else "bicubic"
