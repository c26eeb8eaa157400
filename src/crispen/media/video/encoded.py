"""Segments of encoded pictures, and the times of all of them together."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crispen.errors import UsageError
from crispen.media.video.container import local
from crispen.media.video.video_codec import COUNTING

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream


class EncodedTimes:
    """Presentation times of all frames, and the decoding times that follow from them.

    A packet must be decoded no later than it is shown, in the order it is stored. If frames are
    stored at most ``d`` places after their rank in time, the time of rank ``i - d`` fits.
    """

    def __init__(self, time_base: Fraction, stamps: array[int], delay: int, last: int) -> None:
        self._time_base = time_base
        self._stamps = stamps
        self._delay = delay
        self._last = last

    @classmethod
    def of(
        cls, segments: Iterable[Path], time_base: Fraction, *, start: int, last: int
    ) -> EncodedTimes:
        """The times of segments in the result.

        Args:
            segments: In order; their first frame is at 0.
            time_base: The result's.
            start: When the first frame is shown.
            last: How long the last one is shown; 0 if unknown.
        """
        stamps = array("q")
        delay = 0
        for path in segments:
            part = [_ticks(packet, time_base) + start for packet in encoded(path)]
            order = {stamp: rank for rank, stamp in enumerate(sorted(part))}
            delay = max(delay, *(place - order[stamp] for place, stamp in enumerate(part)))
            stamps.extend(sorted(part))
        return cls(time_base, stamps, delay, last)

    def __len__(self) -> int:
        return len(self._stamps)

    def shown(self) -> Iterator[tuple[int, int]]:
        """When each frame appears and when the next one does, in order."""
        for stamp in self._stamps:
            yield stamp, stamp + self._duration(stamp)

    def _decoding(self, place: int) -> int:
        rank = place - self._delay
        if rank >= 0:
            return self._stamps[rank]
        mirror = min(-rank, len(self._stamps) - 1)
        # Before the first frame, the first gaps are mirrored.
        return 2 * self._stamps[0] - self._stamps[mirror] - (-rank - mirror)

    def _duration(self, stamp: int) -> int:
        after = bisect_right(self._stamps, stamp)
        if after < len(self._stamps):
            return self._stamps[after] - stamp
        if self._last:
            return self._last
        return stamp - self._stamps[-2] if len(self._stamps) > 1 else 1

    def _last_stored(self) -> int:
        """The duration of the packet stored last, which sets the total length.

        MP4 only stores the intervals between decoding times, and a long last frame may be stored
        before others.
        """
        end = self._stamps[-1] + self._duration(self._stamps[-1])
        decoded = self._decoding(len(self) - 1) - self._decoding(0)
        return max(1, end - self._stamps[0] - decoded)

    def stamp(
        self, segments: Iterable[Path], video: VideoStream, *, start: int
    ) -> Iterator[Packet[Any]]:
        """The segments' packets with their times in the final file."""
        container = video.container.format.name
        place = 0
        for path in segments:
            for packet in encoded(path):
                stamp = _ticks(packet, self._time_base) + start
                packet.stream = video
                packet.time_base = self._time_base
                packet.pts = stamp
                packet.dts = self._decoding(place)
                packet.duration = self._duration(stamp)
                place += 1
                if place == len(self) and self._delay and container in ("mp4", "mov"):
                    packet.duration = self._last_stored()
                yield packet


def encoded(path: Path) -> Iterator[Packet[Any]]:
    """The packets of a file's first video stream."""
    import av

    with av.open(local(path), "r") as part:
        for packet in part.demux(part.streams.video[0]):
            if packet.size:
                yield packet


def count_frames(path: Path) -> int:
    """How many frames an encoded file holds; 0 if it cannot be read."""
    import av

    try:
        return sum(1 for _ in encoded(path))
    except (av.FFmpegError, OSError):
        return 0


def _ticks(packet: Packet[Any], time_base: Fraction) -> int:
    if COUNTING in packet.stream.container.format.name:
        return packet.pts or 0
    exact = (packet.pts or 0) * packet.time_base / time_base
    if exact.denominator != 1:
        raise UsageError(f"a segment's time {exact} is between two ticks; remove the .part folder")
    return exact.numerator
