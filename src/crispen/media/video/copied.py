"""Copies a stream's packets unchanged, except for what no file can hold."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from av.stream import Disposition

from crispen.media.video.tags import stream_tags

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet
    from av.stream import Stream

# Encoded frames before the first one with a known decoding time; H.264 allows 16.
_MAX_DELAY = 32


class Copied:
    """Takes packets of a source's stream and returns those of the result's.

    Args:
        out: The result.
        source: The stream to copy.
        strip: Leave titles and dates out.

    Attributes:
        stream: The result's.
        lost: How many packets were damaged.
    """

    def __init__(self, out: OutputContainer, source: Stream, *, strip: bool) -> None:
        self.lost = 0
        self.stream = _add(out, source, strip=strip)
        # AAC not described in the file's header is described in each packet's header.
        context = source.codec_context
        self._framed = source.type == "audio" and source.name == "aac" and not context.extradata
        self._waiting: list[Packet[Any]] = []
        self._ordered = source.type != "video"
        self._sounds = source.type == "audio"
        self._last: Packet[Any] | None = None
        self._usual = 0
        self._due: int | None = None

    def feed(self, packet: Packet[Any] | None) -> Iterator[Packet[Any]]:
        """The packets that are ready after one more; None ends the stream."""
        if packet is None:
            yield from self._released(None)
            yield from self._lasting(None)
            return
        if self._sounds:
            if packet.pts is None and packet.dts is None:  # the last one of Ogg
                packet.pts = packet.dts = self._due
            stamp = packet.pts if packet.pts is not None else packet.dts
            self._due = None if stamp is None else stamp + (packet.duration or 0)
        if not self._is_whole(packet):
            return
        packet.stream = self.stream
        if self._sounds:
            yield from self._lasting(_timed(packet, None))
            return
        if self._ordered:
            yield _timed(packet, None)
            return
        self._waiting.append(packet)
        if packet.dts is not None or len(self._waiting) > _MAX_DELAY:
            yield from self._released(packet.dts)

    def _lasting(self, packet: Packet[Any] | None) -> Iterator[Packet[Any]]:
        """The sound so far, each packet with its duration.

        If only the next packet's time says it, as in NUT, MP4 would end before the last one.
        """
        last, self._last = self._last, None
        if last is not None:
            length = 0 if packet is None else (packet.pts or 0) - (last.pts or 0)
            self._usual = length if length > 0 else self._usual
            last.duration = self._usual
            yield last
        if packet is None or not packet.size:  # an empty one only tells when the last one ends
            return
        if packet.duration:
            self._usual = packet.duration
            yield packet
        else:
            self._last = packet

    def _is_whole(self, packet: Packet[Any]) -> bool:
        stamped = packet.pts is not None or packet.dts is not None
        if not stamped and not packet.stream.disposition & Disposition.attached_pic:
            self.lost += bool(packet.size)
            return False
        if self._framed:
            start = bytes(memoryview(packet)[:2])
            if len(start) < 2 or start[0] != 0xFF or start[1] & 0xF0 != 0xF0:
                self.lost += 1
                return False
        # The only muxers that accept mov_text fill gaps between lines with empty ones again.
        return not (packet.stream.name == "mov_text" and bytes(packet) == b"\0\0")

    def _released(self, known: int | None) -> Iterator[Packet[Any]]:
        """The packets waiting for a decoding time, each earlier according to its place."""
        self._ordered = True
        waiting, self._waiting = self._waiting, []
        if known is None:
            known = min((p.pts for p in waiting if p.pts is not None), default=0)
        step = max(1, waiting[-1].duration or 1) if waiting else 1
        for place, packet in enumerate(waiting):
            yield _timed(packet, known - step * (len(waiting) - 1 - place))


def _timed(packet: Packet[Any], decoding: int | None) -> Packet[Any]:
    if packet.dts is None:
        packet.dts = decoding if decoding is not None else packet.pts or 0
    if packet.pts is None:
        packet.pts = packet.dts
    return packet


def _add(out: OutputContainer, source: Stream, *, strip: bool) -> Stream:
    if source.type == "attachment":
        return out.add_attachment(
            source.metadata.get("filename", "attachment"),
            source.metadata.get("mimetype", "application/octet-stream"),
            source.data,  # type: ignore[attr-defined]
        )
    copy = out.add_stream_from_template(source, opaque=True)
    copy.time_base = source.time_base or Fraction(1, 1000)
    copy.disposition = source.disposition
    copy.metadata.clear()
    copy.metadata.update(stream_tags(source, strip=strip))
    return copy
