"""Converts text subtitles that a container cannot hold."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import av

from crispen.media.video.tags import stream_tags

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.subtitles.codeccontext import SubtitleCodecContext


class Text:
    """Takes packets of a source's stream and returns another kind of text; like `Copied`.

    Args:
        out: The result.
        source: The stream to convert.
        encoder: FFmpeg's name.
        strip: Leave titles and dates out.

    Attributes:
        stream: The result's.
        lost: How many packets could not be read.
    """

    def __init__(self, out: OutputContainer, source: Stream, encoder: str, *, strip: bool) -> None:
        self.lost = 0
        self._decoder = cast("SubtitleCodecContext", source.codec_context)
        self._decoder.open(strict=False)
        stream: Any = out.add_stream(encoder)
        coder = cast("SubtitleCodecContext", stream.codec_context)
        coder.subtitle_header = self._decoder.subtitle_header
        coder.time_base = Fraction(1, 1000)
        stream.time_base = Fraction(1, 1000)
        stream.disposition = source.disposition
        stream.metadata.update(stream_tags(source, strip=strip))
        self.stream = stream

    def feed(self, packet: Packet[Any] | None) -> Iterator[Packet[Any]]:
        """The packets that are ready after one more; None ends the stream."""
        if packet is None or not packet.size or packet.pts is None:
            return
        try:
            line = self._decoder.decode2(packet)
            coded = self.stream.codec_context.encode_subtitle(line) if line is not None else None
        except av.FFmpegError:
            self.lost += 1
            return
        if coded is None or not coded.size:
            return
        coded.stream = self.stream
        coded.time_base = packet.time_base
        coded.pts = coded.dts = packet.pts
        coded.duration = packet.duration
        coded.is_keyframe = True
        yield coded
