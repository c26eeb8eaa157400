"""Frames at a constant rate from frames at any times."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from crispen.media.video.header import VideoHeader

if TYPE_CHECKING:
    import av

    from crispen.enhance.video.timestamps import FrameClock

# Ticks a second: the fewest that represent both clips' times exactly.
_MOST_TICKS, _LEAST_TICKS = 10_000_000, 10_000


class Pace:
    """Repeats or drops frames, taking the nearest frame each time.

    The frames and their times are those of FFmpeg's filter ``fps`` [1]_. The choice
    follows from their times, so it is made before the network runs: no dropped frame is computed,
    and none is computed twice.

    Args:
        rate: Frames per second.
        header: Of the clip, in whose unit its frames' times are.

    Attributes:
        frames: Number of frames at that rate, if known.

    .. [1] https://ffmpeg.org/ffmpeg-filters.html#fps
    """

    def __init__(self, rate: Fraction, header: VideoHeader) -> None:
        self.frames = 0
        self._rate = rate
        self._header = header
        ticks = math.lcm(header.time_base.denominator, rate.numerator)
        if ticks > _MOST_TICKS:
            ticks = rate.numerator * math.ceil(_LEAST_TICKS / rate.numerator)
        self._tick = Fraction(1, ticks)
        self._places: deque[range] = deque()
        self._usual = max(1, round(1 / (header.rate or 25) / header.time_base))

    @property
    def step(self) -> int:
        """How long each frame is shown, in the unit of `header`."""
        return int(1 / self._rate / self._tick)

    @property
    def header(self) -> VideoHeader:
        """That of the clip at this rate."""
        old = self._header
        frames = round(old.frames * self._rate / old.rate) if old.rate else 0
        return replace(
            old,
            rate=self._rate,
            time_base=self._tick,
            start=round(old.start * old.time_base / self._tick),
            frames=frames,
        )

    def needed(
        self, frames: Iterator[av.VideoFrame], clock: FrameClock, done: int
    ) -> Iterator[av.VideoFrame]:
        """The frames to show.

        Args:
            frames: Of the clip, in the order of `clock`.
            clock: Gives the duration of the last one.
            done: Number of frames of the result that exist already.
        """
        frame = next(frames, None)
        while frame is not None:
            following = next(frames, None)
            shown = frame.pts or 0
            length = clock.last_duration or self._usual
            until = shown + length if following is None else following.pts or 0
            places = range(self._place(shown - clock.first), self._place(until - clock.first))
            if following is None and not places and not places.start:
                places = range(1)  # a single frame that is shown for less than half a place
            self.frames = places.stop if places else self.frames
            if places := range(max(places.start, done), places.stop):
                self._places.append(places)
                yield frame
            frame = following

    def _place(self, stamp: int) -> int:
        return math.floor(stamp * self._header.time_base * self._rate + Fraction(1, 2))

    def placed(self, frames: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """The frames of the result; one that is repeated is the same object with another time.

        Args:
            frames: One for each that `needed` gave.
        """
        for frame in frames:
            for place in self._places.popleft():
                frame.time_base = self._tick
                frame.pts = place * self.step
                frame.duration = self.step
                yield frame
