"""Converts sound that a container cannot hold."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from av.codec.context import CodecContext
from av.filter import Graph

from crispen.media.video.span import Span
from crispen.media.video.tags import stream_tags

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.container import OutputContainer
    from av.packet import Packet
    from av.stream import Stream

_LOSSY_RATE = 96_000  # bit/s per channel, at which AAC and Opus rarely differ audibly
_DEEP = ("s32", "s32p", "s64", "s64p", "dbl", "dblp")
_USUAL_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}


class Sound:
    """Takes packets of a source's stream and returns encoded sound; like `Copied`.

    Times are kept: silence replaces what is missing or cannot be decoded.

    Args:
        out: The result.
        source: The stream to convert.
        encoder: FFmpeg's name.
        strip: Leave titles and dates out.
        span: The part to keep, exact to the sample.

    Attributes:
        stream: The result's.
        lost: How many packets could not be decoded.
    """

    def __init__(
        self,
        out: OutputContainer,
        source: Stream,
        encoder: str,
        *,
        strip: bool,
        span: Span,
    ) -> None:
        self.lost = 0
        self._span = span
        self._decoder: Any = source.codec_context
        if self._decoder.is_open:  # it may have been used for a trial
            self._decoder.flush_buffers()
        self._form = _Form.of(encoder, self._decoder)
        stream: Any = out.add_stream(encoder, rate=self._form.rate)
        stream.codec_context.layout = self._form.layout
        stream.codec_context.format = self._form.format
        if stream.codec_context.codec.lossy and not stream.codec_context.codec.lossless:
            stream.codec_context.bit_rate = _LOSSY_RATE * stream.codec_context.layout.nb_channels
        stream.disposition = source.disposition
        stream.metadata.update(stream_tags(source, strip=strip))
        self.stream = stream
        self._base = source.time_base or Fraction(1, self._form.rate)
        self._due: Fraction | None = None
        self._graph: Graph | None = None
        self._seen: tuple[Any, ...] = ()

    def feed(self, packet: Packet[Any] | None) -> Iterator[Packet[Any]]:
        """The packets that are ready after one more; None ends the stream."""
        for frame in self._decoded(packet):
            for part in self._shaped(frame):
                yield from self._coded(part)
        if packet is None:
            for part in self._drained():
                yield from self._coded(part)
            yield from self._coded(None)

    def _decoded(self, packet: Packet[Any] | None) -> list[AudioFrame]:
        if packet is not None and not packet.size:
            return []
        try:
            frames: list[AudioFrame] = self._decoder.decode(packet)
        except av.error.EOFError:
            return []
        except av.FFmpegError:
            self.lost += 1
            return []
        return frames

    def _coded(self, frame: AudioFrame | None) -> Iterator[Packet[Any]]:
        try:
            yield from self.stream.encode(frame)
        except av.error.EOFError:
            return

    def _shaped(self, frame: AudioFrame) -> Iterator[AudioFrame]:
        about = (frame.sample_rate, frame.format.name, frame.layout.name)
        if about != self._seen:  # broadcasts change between two channels and six
            yield from self._drained()
            self._graph, self._seen = self._form.graph(frame, self._base, self._span), about
        base = frame.time_base or self._base
        if frame.pts is None:  # a decoder's last one
            frame.pts = round((self._due or 0) / base)
        self._due = frame.pts * base + Fraction(frame.samples, frame.sample_rate)
        assert self._graph is not None
        self._graph.push(frame)
        yield from _pulled(self._graph)

    def _drained(self) -> Iterator[AudioFrame]:
        graph, self._graph = self._graph, None
        if graph is not None:
            graph.push(None)
            yield from _pulled(graph)


class _Form:
    """The form an encoder takes."""

    def __init__(self, rate: int, layout: str, format: str) -> None:
        self.rate = rate
        self.layout = layout
        self.format = format

    @classmethod
    def of(cls, encoder: str, source: Any) -> _Form:
        """The encoder's form nearest to a decoder's."""
        codec = av.Codec(encoder, "w")
        rate = source.sample_rate or 48_000
        rates = sorted(codec.audio_rates or [rate])
        rate = next((r for r in rates if r >= rate), rates[-1])
        offered = [f.name for f in codec.audio_formats or ()]
        if codec.lossy and not codec.lossless:
            wanted = ["fltp", "flt", "s16", "s16p"]
        elif source.format is not None and source.format.name in _DEEP:
            wanted = ["s32", "s32p"]
        else:
            wanted = ["s16", "s16p"]
        format = next((f for f in wanted if f in offered), offered[0])
        count = source.layout.nb_channels if source.layout else 2
        names = (source.layout.name if source.layout else "", _USUAL_LAYOUTS.get(count, ""))
        layout = next((n for n in names if n and _takes(encoder, rate, format, n)), "stereo")
        return cls(rate, layout, format)

    def graph(self, frame: AudioFrame, base: Fraction, span: Span) -> Graph:
        """A filter graph from frames like this one to the form, within `span`."""
        graph = Graph()
        into = graph.add_abuffer(
            sample_rate=frame.sample_rate,
            format=frame.format.name,
            layout=frame.layout.name,
            time_base=frame.time_base or base,
        )
        # Gaps and overlaps of more than 0.1 s are filled and cut, so that sound stays in step.
        chain = [
            into,
            *([graph.add("atrim", _trim(span))] if span else []),
            graph.add("aresample", f"{self.rate}:async=1"),
            graph.add(
                "aformat",
                f"sample_fmts={self.format}:channel_layouts={self.layout}:sample_rates={self.rate}",
            ),
            graph.add("abuffersink"),
        ]
        graph.link_nodes(*chain).configure()
        return graph


def _trim(span: Span) -> str:
    """A span as arguments of FFmpeg's ``atrim``."""
    ends = (("start", span.begin), ("end", span.end))
    return ":".join(f"{name}={float(time):.6f}" for name, time in ends if time is not None)


def _pulled(graph: Graph) -> Iterator[AudioFrame]:
    while True:
        try:
            yield graph.pull()  # type: ignore[misc]
        except (av.error.BlockingIOError, av.error.EOFError):
            return


def _takes(encoder: str, rate: int, format: str, layout: str) -> bool:
    context: Any = CodecContext.create(encoder, "w")
    try:
        context.sample_rate, context.format, context.layout = rate, format, layout
        context.time_base = Fraction(1, rate)
        context.open()
    except (av.FFmpegError, ValueError):
        return False
    return True
