"""Packets of a file on one continuous clock, even if the file's clock restarts.

Broadcasts joined byte by byte (``cat a.ts b.ts``) restart in the middle. Their packets are
continued as on FFmpeg's command line: a stream that jumps back, or far ahead, continues where it
was due, and all other streams are moved with it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream

# FFmpeg's: its option dts_delta_threshold is 10 s by default, and 0.1 s early counts as a jump
# back.
_AHEAD_S = 10
_BACK_S = Fraction(1, 10)


def demuxed(container: InputContainer, *streams: Stream) -> Iterator[Packet[Any]]:
    """The packets of some streams, in the order of the file, on one clock.

    Args:
        container: Read from its start.
        streams: Those wanted; if the clock may restart, all streams are read, since each one's
            packets show that.
    """
    if not _starts_again(container):
        yield from _packets(container, *streams)
        return
    clock = _Clock()
    wanted = {stream.index for stream in streams}
    for packet in _packets(container):
        clock.follow(packet)
        if packet.stream_index in wanted:
            yield packet


def _packets(container: InputContainer, *streams: Stream) -> Iterator[Packet[Any]]:
    # PyAV also makes packets that end streams which damage has made appear late, and which it
    # does not know.
    with contextlib.suppress(IndexError):
        yield from container.demux(*streams)


def origin_of(container: InputContainer) -> Fraction:
    """The second at which a file begins if its clock starts at any time; 0 for others."""
    if not _starts_again(container):
        return Fraction(0)
    starts = [
        stream.start_time * stream.time_base
        for stream in (*container.streams.video, *container.streams.audio)
        if stream.start_time is not None and stream.time_base
    ]
    return min(starts, default=Fraction(0))


def _starts_again(container: InputContainer) -> bool:
    """Whether the clock in files of that kind starts at any time, and may restart."""
    from av.format import Flags

    flag: Any = Flags.ts_discont.value
    return bool(container.format.flags & flag)


class _Clock:
    """How far the packets of a file have been moved, and when each stream's next one is due."""

    def __init__(self) -> None:
        self._offset = Fraction(0)
        self._last: dict[int, Fraction] = {}
        self._due: dict[int, Fraction] = {}
        self._newest: Fraction | None = None

    def follow(self, packet: Packet[Any]) -> None:
        self._move(packet, self._offset)
        if packet.dts is None or packet.stream.type not in ("video", "audio"):
            return
        index, base = packet.stream_index, packet.time_base
        now = packet.dts * base
        due = self._due.get(index)
        gap = now - (due if due is not None else self._newest or now)
        back = due is not None and now + _BACK_S < self._last[index]
        if abs(gap) > _AHEAD_S or back:
            self._offset -= gap
            self._move(packet, -gap)
            now = packet.dts * base
        length = (packet.duration or 0) * base
        if not length and index in self._last:
            length = max(Fraction(0), now - self._last[index])
        self._last[index] = self._newest = now
        self._due[index] = now + length

    @staticmethod
    def _move(packet: Packet[Any], seconds: Fraction) -> None:
        ticks = round(seconds / packet.time_base) if seconds else 0
        if packet.dts is not None:
            packet.dts += ticks
        if packet.pts is not None:
            packet.pts += ticks
