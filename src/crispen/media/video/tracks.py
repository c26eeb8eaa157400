"""Which other streams of its source a result keeps, decided before the first frame is made.

The muxer itself shows whether a container holds a stream: some of the stream's packets are
written to a file that discards them. A table would know neither the packets nor this FFmpeg.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import av

from crispen.errors import InputError
from crispen.media.format_choice import video_of
from crispen.media.video.container import open_input, reading
from crispen.media.video.continuity import demuxed
from crispen.media.video.copied import Copied
from crispen.media.video.cover import Cover
from crispen.media.video.header import COVER, StreamInfo, VideoHeader
from crispen.media.video.selection import Selection
from crispen.media.video.sink import Sink
from crispen.media.video.sound import Sound
from crispen.media.video.span import Span
from crispen.media.video.texts import Text
from crispen.media.video_formats import MUXERS, VIDEOS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.stream import Stream

Carry = Literal["copy", "convert", "none"]

# Packets sampled: the first ones of all streams, and as many from the middle of the file.
_SAMPLED = 600
_SAMPLED_BYTES = 1 << 26
_KEPT = 40
_DEEP = 16


@dataclass(frozen=True, slots=True)
class Track:
    """One stream to keep.

    Attributes:
        info: The source's stream.
        encoder: FFmpeg's name of the encoder that converts it; empty if it is copied.
    """

    info: StreamInfo
    encoder: str = ""


@dataclass(frozen=True, slots=True)
class TrackPlan:
    """What is kept of the source besides its picture.

    Attributes:
        tracks: In the order of the source.
        notes: What is converted and what cannot be kept, one line each.
    """

    tracks: tuple[Track, ...]
    notes: tuple[str, ...]


class Carrier(Protocol):
    """Turns packets of a source's stream into those of a result's."""

    stream: Any
    lost: int

    def feed(self, packet: Packet[Any] | None) -> Iterator[Packet[Any]]:
        """The packets that are ready after one more; None ends the stream."""


def carrier(
    out: OutputContainer, source: Stream, track: Track, *, strip: bool, span: Span | None = None
) -> Carrier:
    """The carrier that puts a stream, or part of it, into a result."""
    if track.info.kind == COVER and out.format.name == "matroska":
        return Cover(out, source, strip=strip)
    if not track.encoder:
        return Copied(out, source, strip=strip)
    if source.type == "audio":
        return Sound(out, source, track.encoder, strip=strip, span=span or Span())
    return Text(out, source, track.encoder, strip=strip)


def plan_tracks(
    path: Path,
    header: VideoHeader,
    suffix: str,
    *,
    audio: Carry | None = None,
    subtitles: Carry | None = None,
    selection: Selection | None = None,
) -> TrackPlan:
    """Which streams of `path` go into a file of that suffix, and how.

    Args:
        path: The source.
        header: Its header.
        suffix: The result's.
        audio: How to keep sound: copied, always converted, or not at all. By default it is
            converted only if the file cannot hold it.
        subtitles: Likewise.
        selection: Which streams to keep; all by default.

    Raises:
        InputError: The file cannot hold a stream that must be copied.
        UsageError: The source lacks a requested stream.
    """
    selection = selection or Selection()
    selection.check(path, header.streams)
    tracks: list[Track] = []
    notes = selection.notes(header.streams)
    wishes = {"audio": audio, "subtitle": subtitles}
    with reading(path), open_input(path) as source:
        sample = _Sample(source, header.stream)
        for info in header.streams:
            wish = wishes.get(info.kind)
            stream = source.streams[info.index]
            if info.index == header.stream or wish == "none" or not selection.takes(info):
                continue
            if _is_rewritten(stream, header):
                continue
            ways = _ways(info, stream, suffix, wish)
            track = next((t for t in ways if sample.fits(stream, t, suffix)), None)
            if track is not None:
                tracks.append(track)
                notes += _about(track)
            elif wish == "copy":
                raise _not_copied(path, info, suffix, sample, stream)
            else:
                notes.append(f"{info.label()} left out: {suffix} files cannot hold it")
    return TrackPlan(tuple(tracks), tuple(notes))


def _is_rewritten(stream: Stream, header: VideoHeader) -> bool:
    """Whether a muxer generates this stream itself from other metadata."""
    if stream.type != "data":
        return False
    # QuickTime's timecode, which is also a tag, and its chapter titles.
    return "timecode" in stream.metadata or (
        bool(header.chapters) and stream.name in (None, "bin_data")
    )


def _ways(info: StreamInfo, stream: Any, suffix: str, wish: Carry | None) -> list[Track]:
    """Ways to keep a stream, best first."""
    about = video_of(suffix)
    encoder = {"audio": about.sound, "subtitle": about.text}.get(info.kind, "")
    context = stream.codec_context
    if info.kind == "audio" and context is not None and context.format is not None:
        deep = context.format.bits > _DEEP and not context.format.name.startswith("flt")
        encoder = (about.deep_sound or encoder) if deep else encoder
    readable = context is not None and (info.kind == "audio" or context.codec.text_sub)
    converted = [Track(info, encoder)] if encoder and readable else []
    # FFmpeg tells TTA's length by that of the whole Matroska file, which is another now.
    lasting = info.codec != "tta" or about.muxer != "matroska"
    # FFmpeg's muxer leaves covers out of MOV without an error.
    shown = info.kind != COVER or about.muxer != "mov"
    copied = [Track(info)] if lasting and shown else []
    # Players of some years ago take any PCM in MP4 for 16 bits, and play noise.
    noisy = info.codec.startswith("pcm_") and info.codec != "pcm_s16le" and about.muxer == "mp4"
    usual = converted if noisy and converted else copied + converted
    return {"copy": copied, "convert": converted or copied}.get(wish or "", usual)


def _about(track: Track) -> list[str]:
    if track.encoder:
        name = _NAMES.get(track.encoder, track.encoder)
        return [f"{track.info.label()} converted to {name}"]
    if track.info.kind == "video":
        return [f"{track.info.label()} copied as it is; only one picture is enhanced"]
    return []


_NAMES = {"libopus": "opus"}


def _not_copied(
    path: Path, info: StreamInfo, suffix: str, sample: _Sample, stream: Stream
) -> InputError:
    offered = (f.suffixes[0] for f in VIDEOS.values() if f.muxer and f.offered)
    fitting = [s for s in offered if sample.fits(stream, Track(info), s)]
    option = "--audio" if info.kind == "audio" else "--subtitles"
    return InputError(
        f"{path}: {info.label()} does not go into {suffix} files; "
        + (f"choose a name ending in {' or '.join(fitting)}, or " if fitting else "choose ")
        + f"{option} convert or none"
    )


class _Sample:
    """Some packets of every stream of a file, to try in others."""

    def __init__(self, source: InputContainer, picture: int) -> None:
        self._packets: dict[int, list[Packet[Any]]] = {}
        self._picture = picture  # regenerated
        self._take(source)
        if source.duration:
            try:
                source.seek((source.start_time or 0) + source.duration // 2)
            except av.FFmpegError:
                return
            self._take(source)

    def _take(self, source: InputContainer) -> None:
        before = {index: len(packets) for index, packets in self._packets.items()}
        for packet in beginning(source):
            index = packet.stream_index
            kept = self._packets.setdefault(index, [])
            wanted = packet.size and index != self._picture
            if wanted and len(kept) < before.get(index, 0) + _KEPT:
                kept.append(packet)

    def fits(self, stream: Stream, track: Track, suffix: str) -> bool:
        """Whether a file of that suffix accepts the stream in that way."""
        packets = self._packets.get(stream.index, [])
        try:
            with av.open(Nowhere(), "w", MUXERS[suffix]) as trial:
                carry = carrier(trial, stream, track, strip=True)
                sink = Sink(trial)
                for packet in _copies(packets, stream):
                    sink.mux_all(carry.feed(packet))
                sink.mux_all(carry.feed(None))
        except (av.FFmpegError, ValueError):
            return False
        refused, written = sink.refused.total(), sink.written.total()
        return refused <= written and (written > 0 or not carry.lost)


def beginning(source: InputContainer) -> Iterator[Packet[Any]]:
    """The next packets of all streams, as many as are read for a trial."""
    streams = [s for s in source.streams if s.type != "attachment"]
    size = 0
    try:
        for count, packet in enumerate(demuxed(source, *streams)):
            yield packet
            size += packet.size
            if count >= _SAMPLED or size >= _SAMPLED_BYTES:
                return
    except av.FFmpegError:  # a cut file; the frame reader reports it
        return


def _copies(packets: Sequence[Packet[Any]], stream: Stream) -> Iterable[Packet[Any]]:
    """Copies of packets, since a muxer changes those that it is given."""
    for packet in packets:
        copy = av.Packet(bytes(packet))
        copy.stream = stream
        copy.time_base = packet.time_base or Fraction(1, 1000)
        copy.pts, copy.dts, copy.duration = packet.pts, packet.dts, packet.duration
        copy.is_keyframe = packet.is_keyframe
        yield copy


class Nowhere:
    """A file that discards what is written to it."""

    name = "nowhere"

    def write(self, data: bytes) -> int:
        """Discards bytes."""
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Accepts any position."""
        return offset

    def tell(self) -> int:
        """Always 0."""
        return 0
