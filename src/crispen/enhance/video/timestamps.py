"""Time stamps of a video's frames as they come, and what to report about them at the end."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from crispen.enhance.video.segments import Ending
from crispen.media.video.container import Damage, VideoHeader

if TYPE_CHECKING:
    import av


class FrameClock:
    """Watches the time stamps of frames, and corrects those that cannot be."""

    def __init__(self, header: VideoHeader) -> None:
        self.frames = 0
        self._time_base = header.time_base
        rate = header.rate or Fraction(25)
        self._usual = max(1, round(1 / rate / header.time_base))
        self._size = (header.width, header.height, header.format.name)
        self._last: int | None = None
        self._last_duration = 0
        self._mended = 0
        self._changed = False
        self._interlaced = header.interlaced
        self._notes: list[str] = []

    def steady(self, frames: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """The same frames with strictly rising time stamps."""
        for frame in frames:
            stamp = frame.pts
            if stamp is None or (self._last is not None and stamp <= self._last):
                self._mended += 1
                stamp = (
                    0 if self._last is None else self._last + (self._usual if stamp is None else 1)
                )
                frame.pts = stamp
            self._last = stamp
            self._last_duration = frame.duration or 0
            if (frame.width, frame.height, frame.format.name) != self._size:
                self._changed = True
            if frame.interlaced_frame and not self._interlaced:
                self._interlaced = True
                self._notes.append("partly interlaced: fields are treated as one picture")
            self.frames += 1
            yield frame

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
