"""A muxer that survives refused packets, and whose time stamps always increase."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from av.format import Flags

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet

# Errors about what is written, not where. FFmpeg's own errors are not system errors.
_CONTENT = frozenset((errno.EINVAL, errno.ERANGE, errno.EDOM))


def is_refusal(error: av.FFmpegError) -> bool:
    """Whether FFmpeg refused its input, rather than failed to write."""
    return error.errno in _CONTENT or error.errno not in errno.errorcode


class Sink:
    """A container being written; its header is written first.

    Args:
        out: With all of its streams.

    Attributes:
        mended: How many time stamps of each stream did not increase and were moved.
        refused: How many packets of each stream were refused. The muxer sorts packets, so some may
            be another stream's.
        written: How many packets of each stream were accepted.
    """

    def __init__(self, out: OutputContainer) -> None:
        out.start_encoding()
        self._out = out
        nonstrict: Any = Flags.ts_nonstrict.value
        self._strict = not out.format.flags & nonstrict
        self._last: dict[int, int] = {}
        self._given: dict[int, Fraction] = {}
        self.mended: Counter[int] = Counter()
        self.refused: Counter[int] = Counter()
        self.written: Counter[int] = Counter()

    def mux(self, packet: Packet[Any]) -> None:
        """Write a packet, if possible."""
        index = packet.stream_index
        self._raise(packet, index)
        try:
            self._out.mux_one(packet)
        except av.FFmpegError as error:
            if not is_refusal(error):
                raise
            self.refused[index] += 1
        else:
            self.written[index] += 1

    def mux_all(self, packets: Iterable[Packet[Any]]) -> None:
        """Write packets, as far as possible."""
        for packet in packets:
            self.mux(packet)

    def _raise(self, packet: Packet[Any], index: int) -> None:
        """Give the packet times in the stream's unit, later than the last one's."""
        base = packet.stream.time_base
        given = packet.time_base
        timed = self._strict and packet.stream.type in ("audio", "video")
        if packet.dts is not None:
            second = packet.dts * given
            # Times finer than the container's round to the same tick; that is not a fault.
            before = self._given.setdefault(index, second - 1)
            self.mended[index] += second < before or (timed and second == before)
            self._given[index] = max(second, before)
        if given != base:
            packet.pts, packet.dts = (_ticks(t, given, base) for t in (packet.pts, packet.dts))
            packet.duration = _ticks(packet.duration, given, base) or 0
            packet.time_base = base
        if packet.dts is None:
            return
        packet.dts = max(packet.dts, self._last.get(index, packet.dts - 1) + timed)
        if packet.pts is not None and packet.pts < packet.dts:
            packet.pts = packet.dts
        self._last[index] = packet.dts


def _ticks(stamp: int | None, given: Fraction, base: Fraction) -> int | None:
    """As FFmpeg rounds: to the nearest, halves away from zero."""
    if stamp is None:
        return None
    exact = stamp * given / base
    whole = (2 * abs(exact.numerator) + exact.denominator) // (2 * exact.denominator)
    return whole if exact >= 0 else -whole
