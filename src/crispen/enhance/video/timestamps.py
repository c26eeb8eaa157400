"""Time stamps of a video's frames as they come, and what to report about them at the end."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from crispen.enhance.video.segments import Ending
from crispen.media.video.container import Damage
from crispen.media.video.header import VideoHeader

if TYPE_CHECKING:
    import av


# A stamp that is earlier than the last one by no more than this is a rounded one.
_JITTER_S = Fraction(1, 10)


class FrameClock:
    """Watches the time stamps of frames, and corrects those that cannot be.

    They are given as counted from the first frame's. One that is far from its neighbours on both
    sides is wrong, and not all that follow it.
    """

    def __init__(self, header: VideoHeader) -> None:
        self.frames = 0
        self._time_base = header.time_base
        rate = header.rate or Fraction(25)
        self._usual = max(1, round(1 / rate / header.time_base))
        self._jitter = max(self._usual, int(_JITTER_S / header.time_base))
        self._start = header.start
        self._size = (header.width, header.height, header.format.name)
        self._last: int | None = None
        self._last_duration = 0
        self._mended = 0
        self._changed = False
        self._interlaced = header.interlaced
        self._notes: list[str] = []

    def steady(self, frames: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """The same frames with strictly rising time stamps, the first frame's being 0."""
        frame = next(frames, None)
        while frame is not None:
            following = next(frames, None)
            stamp = self._right(frame.pts, None if following is None else following.pts)
            self._mended += stamp != frame.pts
            self._last = stamp
            frame.pts = stamp - self._start
            self._last_duration = frame.duration or 0
            if (frame.width, frame.height, frame.format.name) != self._size:
                self._changed = True
            if frame.interlaced_frame and not self._interlaced:
                self._interlaced = True
                self._notes.append("partly interlaced: fields are treated as one picture")
            self.frames += 1
            yield frame
            frame = following

    def _right(self, stamp: int | None, following: int | None) -> int:
        """A frame's time, given the one that its file says and that of the next one."""
        last = self._last
        if last is None:
            return self._start if stamp is None else stamp
        due = last + self._usual
        if stamp is None:
            return due
        if stamp > last and not (following is not None and last < following < stamp):
            return stamp
        if last - self._jitter <= stamp <= last:
            return last + 1
        # Far too late or too early: it is due in the usual time, or at once before the next.
        if following is None or not last < following <= due:
            return due
        return max(last + 1, following - 1)

    def ending(self, damage: Damage) -> Ending:
        """What there is to say at the end."""
        notes = list(self._notes)
        if self._mended:
            notes.append(f"{self._mended} frames without a valid time stamp were given one")
        if self._changed:
            notes.append("its frames change size or format; all were brought to the first one's")
        if damage.cut:
            notes.append(f"the source is cut or damaged: it ends early, after {self.frames} frames")
        if damage.packets or damage.frames:
            notes.append(
                f"the source is damaged: {damage.frames} frames show errors, "
                f"{damage.packets} packets could not be decoded"
            )
        damaged = damage.packets + damage.frames + damage.cut
        return Ending(self.frames, self._last_duration, tuple(notes), damaged)
