"""Putting a finished video together: new pictures, everything else of the source bit for bit.

The pictures come as encoded segments; sound, subtitles and the rest are packets of the source,
moved without being decoded. Time stamps are integers all the way. Decoding times are computed for
the whole video, since each segment's encoder only knew its own.
"""

from __future__ import annotations

import heapq
import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
from av.stream import Disposition

from crispen.errors import InputError, UsageError
from crispen.media.formats import MUXERS, VIDEOS
from crispen.media.video.container import Color, VideoHeader, open_input, reading, writing

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.stream import VideoStream

# What players and FFmpeg find in an MP4 without the tags of QuickTime's newer scheme.
_CLASSIC_TAGS = frozenset(
    (
        *("title", "artist", "album_artist", "composer", "album", "date", "encoder", "comment"),
        *("genre", "copyright", "grouping", "lyrics", "description", "synopsis", "show"),
        *("episode_id", "network", "keywords", "track", "disc", "compilation", "creation_time"),
        *("location", "location-eng", "sort_name", "sort_artist", "sort_album", "hd_video"),
        *("media_type", "gapless_playback", "episode_sort", "season_number", "rating"),
        *(),
    )
)
# Facts about the old file, not about the video.
_FILE_FACTS = frozenset(
    ("major_brand", "minor_version", "compatible_brands", "encoder", "duration")
)
_STREAM_FACTS = frozenset(
    (
        *("encoder", "handler_name", "vendor_id", "duration", "number_of_frames"),
        *("number_of_bytes", "bps", "_statistics_writing_app"),
        *("_statistics_writing_date_utc", "_statistics_tags"),
    )
)


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """What goes over from the source as it is.

    Attributes:
        streams: Numbers of the streams copied.
        notes: What cannot go over, a line each.
    """

    streams: tuple[int, ...]
    notes: tuple[str, ...]


def plan_copies(path: Path, header: VideoHeader, suffix: str) -> CopyPlan:
    """Which streams of `path` a file of that suffix can hold, found by trying its header.

    Raises:
        InputError: Sound or subtitles would be lost.
    """
    taken: list[int] = []
    notes: list[str] = []
    with reading(path), open_input(path) as source:
        for info in header.streams:
            stream = source.streams[info.index]
            if info.index == header.stream:
                continue
            if header.chapters and info.kind == "data" and stream.name in (None, "bin_data"):
                continue  # QuickTime's chapter titles; the muxer writes its own
            if _fits(stream, suffix):
                taken.append(info.index)
                if info.kind == "video":
                    notes.append(f"{info.label()} copied as it is; only the first is enhanced")
                continue
            if info.kind in ("audio", "subtitle"):
                offered = (f.suffixes[0] for f in VIDEOS.values() if f.muxer and f.offered)
                fitting = [s for s in offered if _fits(stream, s)]
                raise InputError(
                    f"{path}: {info.label()} does not go into {suffix} files; "
                    + (
                        f"choose a name ending in {' or '.join(fitting)}"
                        if fitting
                        else "remove it from the source first"
                    )
                )
            notes.append(f"{info.label()} left out: {suffix} files cannot hold it")
    return CopyPlan(tuple(taken), tuple(notes))


def _fits(stream: Stream, suffix: str) -> bool:
    muxer = MUXERS[suffix]
    sink: Any = _Nowhere()
    try:
        with av.open(sink, "w", muxer) as trial:
            _add_copy(trial, stream, strip=True)
            trial.start_encoding()
    except (av.FFmpegError, ValueError):
        return False
    return True


class _Nowhere:
    """A file that forgets what is written to it."""

    name = "nowhere"

    def write(self, data: bytes) -> int:
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        return offset

    def tell(self) -> int:
        return 0


def _add_copy(out: OutputContainer, stream: Stream, *, strip: bool) -> Stream:
    if stream.type == "attachment":
        return out.add_attachment(
            stream.metadata.get("filename", "attachment"),
            stream.metadata.get("mimetype", "application/octet-stream"),
            stream.data,  # type: ignore[attr-defined]
        )
    copy = out.add_stream_from_template(stream, opaque=True)
    copy.time_base = stream.time_base
    copy.disposition = stream.disposition
    copy.metadata.clear()
    copy.metadata.update(_stream_tags(stream, strip=strip))
    return copy


def _stream_tags(stream: Stream, *, strip: bool) -> dict[str, str]:
    if strip:  # a player chooses streams by language
        return {k: v for k, v in stream.metadata.items() if k == "language"}
    # Matroska's statistics ("BPS-eng", …) were counted on the old packets.
    return {
        k: v
        for k, v in stream.metadata.items()
        if k.lower() not in _STREAM_FACTS and k.lower().split("-")[0] not in _STREAM_FACTS
    }


@dataclass(frozen=True, slots=True)
class Picture:
    """How the new picture is described in its file.

    Attributes:
        color: Tags to write.
        pixel_aspect: Of the new pixels, or None.
        rate: Frames per second, or None.
        display_matrix: See `VideoHeader`.
        hevc: It is HEVC, which Apple's players only take under the tag ``hvc1``.
    """

    color: Color
    pixel_aspect: Fraction | None
    rate: Fraction | None
    display_matrix: tuple[int, ...] | None
    hevc: bool = False


def apply_color(context: Any, color: Color) -> None:
    """Tag an encoder's or stream's output with `color`."""
    context.colorspace = color.matrix
    context.color_primaries = color.primaries
    context.color_trc = color.transfer
    context.color_range = color.range


def join(
    segments: Sequence[Path],
    source: Path,
    header: VideoHeader,
    target: Path,
    suffix: str,
    picture: Picture,
    plan: CopyPlan,
    *,
    last_duration: int,
    strip_metadata: bool,
    check: Callable[[], None],
    shown: Path,
) -> None:
    """Write `target` from encoded segments and the source's other streams.

    Args:
        segments: Finished segments, in order.
        source: The source file.
        header: Its header.
        target: File to write; not the final name.
        suffix: Which kind of file.
        picture: How the picture is described.
        plan: What is copied.
        last_duration: How long the last frame is shown, in units of the time base; 0 if unknown.
        strip_metadata: Leave titles, dates and places out.
        check: Called regularly; can raise to stop.
        shown: Name for errors.
    """
    clock = _Clock.of(segments, header.time_base, last_duration)
    muxer = MUXERS[suffix]
    with (
        reading(source),
        open_input(source) as old,
        writing(target, shown),
        av.open(str(segments[0]), "r") as first,
        av.open(
            str(target), "w", muxer, container_options=_muxer_options(muxer, old, header)
        ) as out,
    ):
        video = _add_picture(out, first.streams.video[0], old, header, picture, strip_metadata)
        copies: dict[int, Stream] = {}
        for index in plan.streams:
            copies[index] = _add_copy(out, old.streams[index], strip=strip_metadata)
        if not strip_metadata:
            tags = {k: v for k, v in old.metadata.items() if k.lower() not in _FILE_FACTS}
            out.metadata.update(tags)
        out.set_chapters(old.chapters())
        new = ((_seconds(p), 0, p) for p in clock.stamp(segments, video))
        kept = ((_seconds(p), 1, p) for p in _kept_packets(old, copies))
        for count, (_, _, packet) in enumerate(heapq.merge(new, kept, key=lambda item: item[:2])):
            out.mux_one(packet)
            if count % 256 == 0:
                check()


def _muxer_options(muxer: str, old: InputContainer, header: VideoHeader) -> dict[str, str]:
    if muxer not in ("mp4", "mov"):
        return {}
    flags = "+faststart"
    if any(k.lower() not in _CLASSIC_TAGS | _FILE_FACTS for k in old.metadata):
        flags += "+use_metadata_tags"
    # A late start is written in the movie's own units, a thousandth by default.
    units = [header.time_base.denominator]
    units += [s.time_base.denominator for s in old.streams if s.time_base]
    unit = math.lcm(*units)
    if unit >= 2**31:
        unit = header.time_base.denominator
    return {
        "movflags": flags,
        "video_track_timescale": str(header.time_base.denominator),
        "movie_timescale": str(unit),
    }


def _add_picture(
    out: OutputContainer,
    template: VideoStream,
    old: InputContainer,
    header: VideoHeader,
    picture: Picture,
    strip: bool,
) -> VideoStream:
    video = out.add_stream_from_template(template, opaque=True)
    video.time_base = header.time_base
    context = video.codec_context
    apply_color(context, picture.color)
    if picture.pixel_aspect is not None:
        context.sample_aspect_ratio = picture.pixel_aspect
    if picture.rate is not None:
        context.framerate = picture.rate
    if picture.hevc and out.format.name in ("mp4", "mov"):
        context.codec_tag = "hvc1"
    video.set_display_matrix(picture.display_matrix)
    source = old.streams[header.stream]
    video.disposition = source.disposition
    video.metadata.clear()
    tags = _stream_tags(source, strip=strip)
    # Older files say the rotation twice; players that read both would turn twice.
    tags.pop("rotate", None)
    video.metadata.update(tags)
    return video


def _seconds(packet: Packet[Any]) -> Fraction:
    stamp = packet.dts if packet.dts is not None else packet.pts or 0
    return stamp * packet.time_base


def _kept_packets(old: InputContainer, copies: dict[int, Stream]) -> Iterator[Packet[Any]]:
    streams = [s for s in old.streams if s.index in copies and s.type != "attachment"]
    if not streams:
        return
    packets = old.demux(*streams)
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError:  # a cut file; the frames' reader has said so
            return
        if packet is None:
            return
        if packet.size == 0 and packet.dts is None and packet.pts is None:
            continue
        if packet.pts is None and packet.dts is None:
            cover = packet.stream.disposition & Disposition.attached_pic
            if not cover:
                continue
        # The only muxers that take mov_text fill the gaps between lines with empty ones again.
        if packet.stream.name == "mov_text" and bytes(packet) == b"\0\0":
            continue
        if packet.dts is None:
            packet.dts = packet.pts if packet.pts is not None else 0
        if packet.pts is None:
            packet.pts = packet.dts
        packet.stream = copies[packet.stream.index]
        yield packet


class _Clock:
    """Presentation times of all frames, and the decoding times that follow from them.

    A packet may be decoded no later than it is shown, and in the order it is stored. With ``d`` the
    most places by which a frame is stored after its rank in time, the time of rank ``i - d`` fits.
    """

    def __init__(self, time_base: Fraction, stamps: array[int], delay: int, last: int) -> None:
        self._time_base = time_base
        self._stamps = stamps
        self._delay = delay
        self._last = last

    @classmethod
    def of(cls, segments: Iterable[Path], time_base: Fraction, last: int) -> _Clock:
        stamps = array("q")
        delay = 0
        for path in segments:
            part = [_ticks(packet, time_base) for packet in _encoded(path)]
            order = {stamp: rank for rank, stamp in enumerate(sorted(part))}
            delay = max(delay, *(place - order[stamp] for place, stamp in enumerate(part)))
            stamps.extend(sorted(part))
        return cls(time_base, stamps, delay, last)

    def _decoding(self, place: int) -> int:
        rank = place - self._delay
        if rank >= 0:
            return self._stamps[rank]
        mirror = min(-rank, len(self._stamps) - 1)
        # Before the first frame the first gaps are repeated backwards.
        return 2 * self._stamps[0] - self._stamps[mirror] - (-rank - mirror)

    def _duration(self, stamp: int) -> int:
        from bisect import bisect_right

        after = bisect_right(self._stamps, stamp)
        if after < len(self._stamps):
            return self._stamps[after] - stamp
        if self._last:
            return self._last
        return stamp - self._stamps[-2] if len(self._stamps) > 1 else 1

    def stamp(self, segments: Iterable[Path], video: VideoStream) -> Iterator[Packet[Any]]:
        """The segments' packets with their times in the final file."""
        place = 0
        for path in segments:
            for packet in _encoded(path):
                stamp = _ticks(packet, self._time_base)
                packet.stream = video
                packet.time_base = self._time_base
                packet.pts = stamp
                packet.dts = self._decoding(place)
                packet.duration = self._duration(stamp)
                place += 1
                yield packet


def _encoded(path: Path) -> Iterator[Packet[Any]]:
    with av.open(str(path), "r") as part:
        for packet in part.demux(part.streams.video[0]):
            if packet.size:
                yield packet


def _ticks(packet: Packet[Any], time_base: Fraction) -> int:
    exact = (packet.pts or 0) * packet.time_base / time_base
    if exact.denominator != 1:
        raise UsageError(f"a segment's time {exact} is between two ticks; remove the .part folder")
    return exact.numerator


def count_frames(path: Path) -> int:
    """How many frames an encoded segment holds; 0 if it cannot be read."""
    try:
        return sum(1 for _ in _encoded(path))
    except (av.FFmpegError, OSError):
        return 0
