"""Muxes the finished video: the new picture with all other streams of the source.

The picture comes as encoded segments; sound, subtitles and the rest are packets of the source,
copied without decoding if the container holds them. Time stamps are integers throughout.
Decoding times are computed for the whole video, since each encoder only knew its own segment.

Finished pictures are never lost: a packet that the muxer refuses is left out and counted, and if
the whole file is refused, it is written again with fewer other streams.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av

from crispen.errors import OutputError
from crispen.media.video.container import (
    explained,
    local,
    open_input,
    reading,
    reason,
    writing,
)
from crispen.media.video.continuity import demuxed
from crispen.media.video.cutting import Scissors, chapters_in
from crispen.media.video.encoded import EncodedTimes, count_frames
from crispen.media.video.header import Color, VideoHeader
from crispen.media.video.matroska import ROOM, set_pixel_aspect
from crispen.media.video.quicktime import set_languages
from crispen.media.video.sink import Sink, is_refusal
from crispen.media.video.sound import Sound
from crispen.media.video.span import Span
from crispen.media.video.tags import file_tags, needs_newer_scheme, stream_tags
from crispen.media.video.timecode import with_timecode
from crispen.media.video.tracks import Carrier, Nowhere, Track, beginning, carrier
from crispen.media.video_formats import MUXERS

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream


@dataclass(frozen=True, slots=True)
class Picture:
    """How the new picture is described in its file.

    Attributes:
        color: Tags to write.
        pixel_aspect: The new one, or None.
        rate: Frames per second, or None.
        display_matrix: See `VideoHeader`.
        hevc: It is HEVC, which Apple's players only accept with the tag ``hvc1``.
        alpha_mode: Its transparency is beside its packets, as VP9's is in Matroska.
    """

    color: Color
    pixel_aspect: Fraction | None
    rate: Fraction | None
    display_matrix: tuple[int, ...] | None
    hevc: bool = False
    alpha_mode: bool = False


@dataclass(frozen=True, slots=True)
class Joint:
    """What a result is joined from.

    Attributes:
        segments: Encoded pictures, in order; the very first frame is at 0.
        source: The source file.
        header: Its header.
        suffix: The result's.
        picture: How the picture is described.
        tracks: The other streams to keep.
        last_duration: How long the last frame is shown, in units of the time base; 0 if unknown.
        strip_metadata: Leave titles, dates and places out.
        span: The part of the source to keep, on the source's own clock. If it has a beginning,
            the first frame is shown then, and that time becomes 0.
        counted: Frames per second of the source's timecode, or None if unknown.
    """

    segments: Sequence[Path]
    source: Path
    header: VideoHeader
    suffix: str
    picture: Picture
    tracks: tuple[Track, ...]
    last_duration: int = 0
    strip_metadata: bool = False
    span: Span = field(default_factory=Span)
    counted: Fraction | None = None

    @property
    def skipped(self) -> int:
        """How many frames of the source come before the first one kept."""
        if self.span.begin is None or not self.counted:
            return 0
        begun = self.header.start * self.header.time_base
        return round((self.span.begin - begun) * self.counted)

    @property
    def origin(self) -> Fraction:
        """The second of the source that becomes 0."""
        return self.header.origin if self.span.begin is None else self.span.begin

    @property
    def start(self) -> int:
        """When the first frame is shown, in units of the time base."""
        if self.span.begin is not None:
            return 0
        return self.header.start - round(self.header.origin / self.header.time_base)

    def with_fewer(self) -> tuple[Joint, tuple[Track, ...]]:
        """The same with fewer other streams, and those dropped; sound is dropped last."""
        rest = tuple(t for t in self.tracks if t.info.kind == "audio")
        if rest == self.tracks:
            rest = ()
        left_out = tuple(t for t in self.tracks if t not in rest)
        return replace(self, tracks=rest), left_out


class _Refused(Exception):
    """FFmpeg refuses the whole file, or its pictures."""


def apply_color(context: Any, color: Color) -> None:
    """Tag an encoder's or stream's output with `color`."""
    context.colorspace = color.matrix
    context.color_primaries = color.primaries
    context.color_trc = color.transfer
    context.color_range = color.range


def join(joint: Joint, target: Path, *, check: Callable[[], None], shown: Path) -> tuple[str, ...]:
    """Write `target`; return what was repaired or left out, one line each.

    Args:
        joint: What it is joined from.
        target: File to write; not the final name.
        check: Called regularly; can raise to stop.
        shown: Name for errors.

    Raises:
        OutputError: It cannot be written.
    """
    missing: list[Track] = []
    while True:
        try:
            with explained(), writing(target, shown):
                notes = _write(joint, local(target), check)
                break
        except _Refused as error:
            if not joint.tracks:
                raise OutputError(f"{shown}: cannot be written ({error})") from error
            joint, left_out = joint.with_fewer()
            missing += left_out
    lost = [f"{t.info.label()} left out: it could not be joined with the picture" for t in missing]
    return (*lost, *notes)


def rehearse(joint: Joint, shown: Path) -> tuple[Track, ...]:
    """The tracks that fit into one file with the picture; the trial file is discarded.

    Raises:
        OutputError: The picture alone cannot be written.
    """
    while True:
        try:
            with explained(), writing(shown):
                _write(joint, Nowhere(), lambda: None, trial=True)
        except _Refused as error:
            if not joint.tracks:
                raise OutputError(f"{shown}: cannot be written ({error})") from error
            joint, _ = joint.with_fewer()
        else:
            return joint.tracks


def _write(
    joint: Joint, target: Any, check: Callable[[], None], *, trial: bool = False
) -> tuple[str, ...]:
    header, start, origin = joint.header, joint.start, joint.origin
    times = EncodedTimes.of(joint.segments, header.time_base, start=start, last=joint.last_duration)
    muxer = MUXERS[joint.suffix]
    with (
        reading(joint.source),
        open_input(joint.source) as old,
        av.open(local(joint.segments[0]), "r") as first,
    ):
        options = _muxer_options(muxer, old, header, trial=trial)
        try:
            with av.open(target, "w", muxer, container_options=options) as out:
                video = _add_picture(out, first.streams.video[0], old, joint)
                carriers = {
                    track.info.index: carrier(
                        out,
                        old.streams[track.info.index],
                        track,
                        strip=joint.strip_metadata,
                        span=joint.span,
                    )
                    for track in joint.tracks
                }
                if not joint.strip_metadata:
                    tags = file_tags(old.metadata)
                    out.metadata.update(with_timecode(tags, joint.skipped, joint.counted))
                out.set_chapters(list(chapters_in(old.chapters(), joint.span, origin)))
                languages = [s.metadata.get("language", "") for s in out.streams]
                sink = Sink(out)
                new = ((_seconds(p), 0, p) for p in times.stamp(joint.segments, video, start=start))
                kept = ((_seconds(p), 1, p) for p in _carried(old, carriers, joint, trial=trial))
                merged = heapq.merge(new, kept, key=lambda item: item[:2])
                for count, (_, _, packet) in enumerate(merged):
                    sink.mux(packet)
                    if count % 256 == 0:
                        check()
        except av.FFmpegError as error:
            if is_refusal(error):
                raise _Refused(reason(error)) from error
            raise
        except ValueError as error:  # PyAV's own
            raise _Refused(str(error)) from error
    # A refused packet may be a picture, whichever stream's packet the muxer was given.
    if sum(sink.refused.values()) and not trial and count_frames(Path(target)) != len(times):
        raise _Refused("its pictures are refused")
    notes = _repairs(joint.tracks, carriers, sink, muxer)
    if not trial and muxer == "mov":
        set_languages(Path(target), languages)
    aspect = _missing_shape(joint)
    if not trial and aspect is not None and not set_pixel_aspect(Path(target), aspect):
        notes += ("the shape of its pixels could not be written: it may look too wide or narrow",)
    return notes


def _repairs(
    tracks: Sequence[Track], carriers: dict[int, Carrier], sink: Sink, muxer: str
) -> tuple[str, ...]:
    notes = []
    for track in tracks:
        carry = carriers[track.info.index]
        index = carry.stream.index
        lost = carry.lost + sink.refused[index]
        lasting = track.info.kind in ("audio", "video")  # others are written even if empty
        if lasting and muxer in ("mp4", "mov") and not sink.written[index]:
            notes.append(f"{track.info.label()} left out: it is empty")
        elif lost:
            notes.append(f"{track.info.label()}: {lost} damaged packets were left out")
        if sink.mended[index]:
            notes.append(
                f"{track.info.label()}: {sink.mended[index]} timestamps did not increase and were "
                "corrected"
            )
    return tuple(notes)


def _muxer_options(
    muxer: str, old: InputContainer, header: VideoHeader, *, trial: bool
) -> dict[str, str]:
    if muxer not in ("mp4", "mov"):
        return {}
    flags = "" if trial else "+faststart"  # which rereads the file
    if needs_newer_scheme(old.metadata):
        flags += "+use_metadata_tags"
    # A late start is written in movie timescale units, 1/1000 s by default.
    units = [header.time_base.denominator]
    units += [s.time_base.denominator for s in old.streams if s.time_base]
    unit = math.lcm(*units)
    if unit >= 2**31:
        unit = header.time_base.denominator
    return {
        **({"movflags": flags} if flags else {}),
        "video_track_timescale": str(header.time_base.denominator),
        "movie_timescale": str(unit),
    }


def _add_picture(
    out: OutputContainer, template: VideoStream, old: InputContainer, joint: Joint
) -> VideoStream:
    picture = joint.picture
    video = out.add_stream_from_template(template, opaque=True)
    video.time_base = joint.header.time_base
    context = video.codec_context
    apply_color(context, picture.color)
    if picture.pixel_aspect is not None:
        context.sample_aspect_ratio = picture.pixel_aspect
    if picture.rate is not None:
        context.framerate = picture.rate
    if picture.hevc and out.format.name in ("mp4", "mov"):
        context.codec_tag = "hvc1"
    video.set_display_matrix(picture.display_matrix)
    source = old.streams[joint.header.stream]
    video.disposition = source.disposition
    video.metadata.clear()
    tags = stream_tags(source, strip=joint.strip_metadata)
    tags = with_timecode(tags, joint.skipped, joint.counted)
    # Older files state the rotation twice; players that read both would rotate twice.
    tags.pop("rotate", None)
    tags = {name: value for name, value in tags.items() if name.lower() != "alpha_mode"}
    if picture.alpha_mode:
        tags["alpha_mode"] = "1"
    if _missing_shape(joint) is not None:
        tags["title"] = tags.get("title", "") + ROOM
    video.metadata.update(tags)
    return video


def _missing_shape(joint: Joint) -> Fraction | None:
    """The pixel aspect ratio if it is not 1 and the muxer does not write it, or None."""
    aspect = joint.picture.pixel_aspect
    told = MUXERS[joint.suffix] not in ("matroska", "webm")
    return None if told or aspect == 1 else aspect


def _seconds(packet: Packet[Any]) -> Fraction:
    stamp = packet.dts if packet.dts is not None else packet.pts or 0
    return stamp * packet.time_base


def _carried(
    old: InputContainer, carriers: dict[int, Carrier], joint: Joint, *, trial: bool
) -> Iterator[Packet[Any]]:
    """The packets of all other streams, with their times in the result."""
    streams = [s for s in old.streams if s.index in carriers and s.type != "attachment"]
    if not streams:
        return
    cuts = {
        s.index: Scissors(
            joint.span,
            s,
            decoded=isinstance(carriers[s.index], Sound),
            silenced=MUXERS[joint.suffix] in ("mp4", "mov"),
        )
        for s in streams
    }
    for packet in beginning(old) if trial else _all_of(old, streams, cuts):
        index = packet.stream_index
        if index in cuts and not _is_end(packet):
            kept = cuts[index].cut(packet)
            if kept is not None:
                origin = joint.header.origin if cuts[index].still else joint.origin
                yield from _moved(carriers[index].feed(kept), origin)
    for stream in streams:
        yield from _moved(carriers[stream.index].feed(None), joint.origin)


def _is_end(packet: Packet[Any]) -> bool:
    """Whether it is PyAV's end-of-stream packet."""
    return not packet.size and packet.dts is None and packet.pts is None


def _all_of(
    old: InputContainer, streams: list[Any], cuts: dict[int, Scissors]
) -> Iterator[Packet[Any]]:
    """All packets of some streams, or all that can be kept of them."""
    packets = demuxed(old, *streams)
    going = {s.index for s in streams if s.type in ("audio", "video")}
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError:  # a cut file; the frame reader has reported it
            return
        if packet is None:
            return
        yield packet
        # Other streams' packets may be among them.
        cut = cuts.get(packet.stream_index)
        if cut is not None and not _is_end(packet) and cut.is_over(packet):
            going.discard(packet.stream_index)
            if not going:
                return


def _moved(packets: Iterator[Packet[Any]], origin: Fraction) -> Iterator[Packet[Any]]:
    for packet in packets:
        if origin:
            ticks = round(origin / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts - ticks
            packet.dts = None if packet.dts is None else packet.dts - ticks
        yield packet
