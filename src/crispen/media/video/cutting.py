"""Cuts packets of other streams to a part of a clip."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from av.stream import Disposition

from crispen.media.video.span import Span

if TYPE_CHECKING:
    from av.packet import Packet
    from av.stream import Stream

# Sound decoded before the part begins, since some codecs depend on earlier packets.
_LEAD = Fraction(1)  # second
# Packets before a part that its first ones need to decode correctly: overlapping blocks, bits
# borrowed from earlier packets (MP3), and what the standard requires (Opus).
_BEFORE = {"aac": 1, "ac3": 1, "eac3": 1, "mp3": 9, "mp3float": 9, "opus": 4}
# Streams may be this far apart in a file.
_APART_S = 10


class Scissors:
    """Cuts the packets of one stream; their times stay.

    Sound loses whole packets, since they cannot be cut. If its container can mark some of it as
    not played, the packets needed before the part stay, so that it begins exact to the sample and
    sounds as in the whole clip. Lines of text are shortened. Another picture begins with its first
    key frame in the part.

    Args:
        span: The part that is kept, on the stream's own clock.
        source: The stream.
        decoded: Its packets will be decoded, and the decoded sound is cut.
        silenced: Its container can hold packets before zero, which are decoded but not played.
    """

    def __init__(
        self, span: Span, source: Stream, *, decoded: bool = False, silenced: bool = False
    ) -> None:
        self._span = span
        self._kind = source.type
        self._base = source.time_base or Fraction(1, 1000)
        self._decoded = decoded
        needed = _BEFORE.get(source.name or "") if source.type == "audio" and silenced else None
        self._before = 0 if needed is None else needed + 1  # and the one in which the part begins
        self._still = bool(source.disposition & Disposition.attached_pic)
        self._began = span.begin is None

    @property
    def still(self) -> bool:
        """Whether it is a cover, which has no time."""
        return self._still

    def cut(self, packet: Packet[Any]) -> Packet[Any] | None:
        """What is kept of a packet."""
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None or self._still or not self._span:
            return packet
        time = stamp * self._base
        length = (packet.duration or 0) * self._base
        if self._kind == "subtitle" and length:
            return self._shortened(packet, time, length)
        if self._kind == "video":
            return packet if self._is_shown(packet, time) else None
        if self._decoded:
            begun = not self._span.is_before(time + max(_LEAD, length))
        else:
            begun = not self._span.is_before(time + self._before * length)
        return packet if begun and not self._span.is_over(time) else None

    def is_over(self, packet: Packet[Any]) -> bool:
        """Whether no later packet is kept, in this stream or another."""
        if packet.dts is None:
            return False
        return self._span.is_over(packet.dts * self._base - _APART_S)

    def _shortened(
        self, packet: Packet[Any], time: Fraction, length: Fraction
    ) -> Packet[Any] | None:
        kept = self._span.overlap(time, time + length)
        if kept is None:
            return None
        begin, end = (round(t / self._base) for t in kept)
        if begin != packet.pts:
            packet.pts = packet.dts = begin
        packet.duration = end - begin
        return packet

    def _is_shown(self, packet: Packet[Any], time: Fraction) -> bool:
        decoding = time if packet.dts is None else packet.dts * self._base
        if self._span.is_over(decoding) or self._span.is_before(time):
            return False
        self._began = self._began or packet.is_keyframe
        return self._began


def chapters_in(chapters: list[Any], span: Span, origin: Fraction) -> Iterator[Any]:
    """The chapters of a part, as PyAV describes them.

    Args:
        chapters: All of the clip.
        span: The part.
        origin: The second that becomes 0.
    """
    for chapter in chapters:
        base = chapter["time_base"]
        whole = (chapter["start"] * base, chapter["end"] * base)
        kept = span.overlap(*whole) if span else whole
        if kept is not None:
            begin, end = (round((t - origin) / base) for t in kept)
            yield {**chapter, "start": begin, "end": end}
