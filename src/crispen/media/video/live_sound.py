"""The sound of a picture that is shown while it is made: one stream, in a codec of browsers."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
from av.stream import Disposition

from crispen.media.video.container import open_input, reading
from crispen.media.video.continuity import demuxed
from crispen.media.video.cutting import Scissors
from crispen.media.video.header import VideoHeader
from crispen.media.video.seeking import seek_before
from crispen.media.video.selection import Selection
from crispen.media.video.span import Span
from crispen.media.video.tracks import Track, carrier, plan_tracks

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet

# What browsers play in MP4, as FFmpeg calls it.
_PLAYED = ("aac", "mp3", "opus", "flac")


def sound_of(path: Path, header: VideoHeader) -> Track | None:
    """The sound to play with a clip: its default stream, or else its first; None if there is none.

    AAC, MP3, Opus and FLAC are copied, other codecs are converted to AAC.

    Args:
        path: The clip.
        header: Its header.
    """
    with reading(path), open_input(path) as source:
        streams = [s for s in source.streams.audio if s.codec_context is not None]
        if not streams:
            return None
        # The first of several, since sorting is stable.
        stream = min(streams, key=lambda s: not s.disposition & Disposition.default)
        context = stream.codec_context
        name = context.codec.canonical_name
        # Broadcasts describe AAC in each packet, and MP4 once in its header.
        copied = name in _PLAYED and (name != "aac" or bool(context.extradata))
        index = stream.index
    plan = plan_tracks(
        path,
        header,
        ".mp4",
        audio=None if copied else "convert",
        selection=Selection((str(index),)),
    )
    return next(iter(plan.tracks), None)


class LiveSound:
    """The packets of a clip's sound, taken as far as its picture is; use it in a ``with`` block.

    Args:
        path: The clip.
        track: Its sound; see `sound_of`.
        out: The result, whose header is not written yet.
        span: The part of the clip to play, on the clip's own clock; its beginning becomes 0.
    """

    def __init__(self, path: Path, track: Track, out: OutputContainer, span: Span) -> None:
        self._source = open_input(path)
        self._stream: Any = self._source.streams[track.info.index]
        self._carrier = carrier(out, self._stream, track, strip=True, span=span)
        self._cut = Scissors(span, self._stream, decoded=bool(track.encoder))
        self._span = span
        self._packets = self._moved()

    def __enter__(self) -> LiveSound:
        return self

    def __exit__(self, *_: object) -> None:
        self._packets.close()
        self._source.close()

    def until(self, time: Fraction | None) -> Iterator[Packet[Any]]:
        """The next packets, up to the first one that is heard after a time.

        Args:
            time: In seconds of the result; None for all.
        """
        for packet in self._packets:
            over = time is not None and (packet.dts or 0) * packet.time_base > time
            yield packet
            if over:
                return

    def _moved(self) -> Generator[Packet[Any]]:
        """All packets of the part, at their times in the result; the encoder's lead-in is cut."""
        begin = self._span.begin or Fraction(0)
        for packet in self._carried():
            ticks = round(begin / packet.time_base)
            # A carrier gives both times to each packet.
            packet.pts = (packet.pts or 0) - ticks
            packet.dts = (packet.dts or 0) - ticks
            if packet.pts >= 0:
                yield packet

    def _carried(self) -> Iterator[Packet[Any]]:
        if self._span.begin is not None:
            seek_before(self._source, self._stream, self._span.begin)
        packets = demuxed(self._source, self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError:  # a cut file, of which the picture's reader knows
                packet = None
            if packet is None or self._cut.is_over(packet):
                break
            # PyAV's end of a stream has neither.
            kept = self._cut.cut(packet) if packet.size or packet.dts is not None else None
            if kept is not None:
                yield from self._carrier.feed(kept)
        yield from self._carrier.feed(None)
