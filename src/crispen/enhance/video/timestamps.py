"""Timestamps of a video's frames, and notes about them at the end."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from crispen.enhance.video.segments import Ending
from crispen.media.video.container import Damage
from crispen.media.video.header import VideoHeader
from crispen.media.video.span import Span

if TYPE_CHECKING:
    import av


# A timestamp at most this much earlier than the last one is a rounding error.
_JITTER_S = Fraction(1, 10)
# Frames that are given a time are at least this far apart, so that Matroska can tell them apart.
_LEAST_S = Fraction(1, 1000)


class FrameClock:
    """Watches the timestamps of frames, and corrects impossible ones.

    They are relative to the first frame's. If one is far from its neighbours on both
    sides, only that one is wrong, not all that follow.

    Args:
        header: Of the clip.
        span: The part of the clip whose frames are given, on the clip's own clock.

    Attributes:
        frames: Number of frames so far.
        first: Time of the first of them, if the part does not begin with the clip.
        last_duration: Duration of the last one; 0 if unknown.
    """

    def __init__(self, header: VideoHeader, span: Span | None = None) -> None:
        self.frames = 0
        self.first = 0
        self.last_duration = 0
        self._span = span or Span()
        self._left = False
        self._time_base = header.time_base
        rate = header.rate or Fraction(25)
        self._usual = max(1, round(1 / rate / header.time_base))
        self._least = max(1, math.ceil(_LEAST_S / header.time_base))
        self._jitter = max(self._usual, int(_JITTER_S / header.time_base))
        self._start = header.start
        self._size = (header.width, header.height, header.format.name)
        self._last: int | None = None
        self._mended = 0
        self._changed = False
        self._interlaced = header.interlaced
        self._notes: list[str] = []

    def steady(self, frames: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """The same frames with strictly increasing timestamps, the first being 0."""
        frame = next(frames, None)
        while frame is not None:
            following = next(frames, None)
            stamp = self._right(frame.pts, None if following is None else following.pts)
            self._mended += stamp != frame.pts
            before, self._last = self._last, stamp
            time = stamp * self._time_base
            if self._span.is_before(time):
                frame = following
                continue
            if self._span.is_over(time):
                self._left = True
                if before is not None:
                    self.last_duration = self._shown(before, stamp - before)
                return
            frame.pts = stamp - self._start
            if self._span.begin is not None and not self.frames:
                self.first = frame.pts
            self.last_duration = self._shown(stamp, frame.duration or 0)
            if (frame.width, frame.height, frame.format.name) != self._size:
                self._changed = True
            if frame.interlaced_frame and not self._interlaced:
                self._interlaced = True
                self._notes.append("partly interlaced: fields are treated as one picture")
            self.frames += 1
            yield frame
            frame = following

    def _shown(self, stamp: int, duration: int) -> int:
        """Duration of a frame in the part."""
        if self._span.end is None:
            return duration
        return max(1, min(duration, round(self._span.end / self._time_base) - stamp))

    def _right(self, stamp: int | None, following: int | None) -> int:
        """A frame's time, from its file's timestamp and that of the next one."""
        last = self._last
        if last is None:
            return self._start if stamp is None else stamp
        due = last + self._usual
        if stamp is None:
            return due
        if stamp > last and not (following is not None and last < following < stamp):
            return stamp
        if last - self._jitter <= stamp <= last:
            return last + self._least
        # Far too late or too early: it is due in the usual time, or at once before the next.
        if following is None or not last < following <= due:
            return due
        return max(last + 1, following - 1)

    def ending(self, damage: Damage) -> Ending:
        """Notes at the end."""
        notes = list(self._notes)
        if self._mended:
            notes.append(f"{self._mended} frames without a valid time stamp were given one")
        if self._changed:
            notes.append("its frames change size or format; all were converted to match the first")
        cut = damage.cut and not self._left
        if cut:
            notes.append(f"the source is cut or damaged: it ends early, after {self.frames} frames")
        if damage.packets or damage.frames:
            notes.append(
                f"the source is damaged: {damage.frames} frames show errors, "
                f"{damage.packets} packets could not be decoded"
            )
        damaged = damage.packets + damage.frames + cut
        return Ending(self.frames, self.last_duration, tuple(notes), damaged, self.first)
