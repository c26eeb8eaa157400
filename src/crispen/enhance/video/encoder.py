"""The encoder of one video's pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crispen.errors import UsageError
from crispen.media.video.codecs import encoder_format
from crispen.media.video.container import explained, local, reason
from crispen.media.video.hardware import accelerator
from crispen.media.video.header import Color, VideoHeader
from crispen.media.video.pixel_formats import Planar
from crispen.media.video.scheduling import kept_scheduling
from crispen.media.video.video_codec import COUNTED, COUNTING, VideoCodec

if TYPE_CHECKING:
    import av
    from av.container import OutputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

# x265 4.2 corrupts memory, and so ends the process, if a row has fewer than four blocks.
_X265_WIDTH = 64


@dataclass(frozen=True, slots=True)
class Encoder:
    """Writes files of encoded frames.

    Attributes:
        codec: What it is.
        options: FFmpeg's, for it.
        size: Width and height as stored.
        format: Of its input frames.
        color: Colour tags to write.
        header: Of the result.
        pixel_aspect: Width over height of a pixel, or None if unknown.
        threads: Maximum number; FFmpeg's own choice if None.
    """

    codec: VideoCodec
    options: dict[str, str]
    size: tuple[int, int]
    format: Planar
    color: Color
    header: VideoHeader
    pixel_aspect: Fraction | None
    threads: int | None

    def rehearse(self, path: Path) -> None:
        """Encode one frame.

        Raises:
            UsageError: The encoder refuses the size or a setting.
        """
        import av

        frame = av.VideoFrame(*self.size, self.format.name)
        for part in frame.planes:
            part.update(bytes(part.buffer_size))
        frame.pts, frame.time_base = 0, self.header.time_base
        try:
            with explained():
                self.write(path, iter([frame]))
        except av.FFmpegError as error:
            width, height = self.size
            raise UsageError(
                f"{self.codec.name} does not encode {width}x{height} with these settings "
                f"({reason(error)}); choose another size or --codec"
            ) from error

    def write(self, path: Path, frames: Iterator[av.VideoFrame]) -> None:
        """Encode frames into a separate file."""
        import av

        options = {"avoid_negative_ts": "disabled"}
        segment = self.codec.segment
        beside = self.format.alpha and self.codec.family == "vp9"
        if beside:  # its alpha is beside its packets, where FFmpeg's NUT damages it
            segment = COUNTING
        if segment == "mov":
            unit = str(self.header.time_base.denominator)
            options |= {"video_track_timescale": unit, "movie_timescale": unit}
        with av.open(local(path), "w", segment, container_options=options) as out:
            stream = self.stream(out)

            def mux(packet: Packet[Any]) -> None:
                if beside:
                    packet.time_base = COUNTED
                out.mux(packet)

            count = 0
            for frame in frames:
                for packet in stream.encode(frame):
                    mux(packet)
                count += 1
            for packet in stream.encode():
                if count < 3:  # x265 sets unpredictable decode times for so few frames
                    packet.dts = packet.pts
                mux(packet)

    def stream(self, out: OutputContainer) -> VideoStream:
        """A new stream of a file, which takes frames."""
        from crispen.media.video.muxing import apply_color

        header = self.header
        rate = header.rate or Fraction(25)
        options = dict(self.options)
        if header.top_left and self.format.chroma == "420":
            options["chroma_sample_location"] = "topleft"
        if self.codec.encoder == "libx265" and self.size[0] < _X265_WIDTH:
            # Its cuTree writes four blocks of 16 pixels at a time, also past the end of a row.
            options["x265-params"] = ":".join(
                [*filter(None, [options.get("x265-params")]), "cutree=0"]
            )
        stream: Any = out.add_stream(
            self.codec.encoder, rate=rate, options=options, hwaccel=accelerator(self.codec)
        )
        stream.width, stream.height = self.size
        # FFmpeg moves the samples to the encoder's chroma position.
        stream.pix_fmt = encoder_format(self.codec, self.format.name)
        stream.time_base = header.time_base
        context = stream.codec_context
        context.time_base = header.time_base
        if self.pixel_aspect is not None:
            context.sample_aspect_ratio = self.pixel_aspect
        apply_color(context, self.color)
        if self.threads is not None:
            context.thread_count = self.threads
        with kept_scheduling():
            context.open(strict=False)
        return stream  # type: ignore[no-any-return]
