"""Detects interlaced and telecined footage, and makes it progressive with libavfilter.

What a file says about its fields is often wrong, so a few frames are examined (``idet``).
Interlaced ones are deinterlaced (``bwdif``). Telecined film, 24 frames spread over 30, gets its
original frames back (``fieldmatch``, and ``decimate`` for duplicates) [1]_.

.. [1] FFmpeg's documentation of these filters, https://ffmpeg.org/ffmpeg-filters.html
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from crispen.media.video.container import open_input, picture_stream, reading
from crispen.media.video.filtering import FilterChain
from crispen.media.video.header import VideoHeader

if TYPE_CHECKING:
    import av

# No interlaced format had fewer lines, apart from cropping; in small drawings and games, lines that
# differ from each other are a pattern.
_LEAST_LINES = 400
# Where in the clip frames are examined, and how many at each place.
_SHARES = (0.1, 0.5)
_LOOKED_AT = 50
# This share of the conclusive frames must show fields.
_INTERLACED, _TELECINED = 0.9, 0.3
_LEAST_TOLD = 8
# Telecine repeats a field in two frames of five.
_REPEATED = 0.15
_FILM = Fraction(4, 5)
_TELEVISION = Fraction(30000, 1001)


@dataclass(frozen=True, slots=True)
class Fields:
    """What the frames of a clip are made of.

    Attributes:
        kind: ``telecined`` is film in which some frames mix the fields of two.
        top_first: The top field is shown first.
        double: Every field becomes a frame, instead of every two.
    """

    kind: Literal["progressive", "interlaced", "telecined"] = "progressive"
    top_first: bool = True
    double: bool = False

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the user."""
        match self.kind:
            case "interlaced":
                what = "a frame of every field" if self.double else "a frame of every two fields"
                return (f"interlaced: {what}; --deinterlace off leaves them as they are",)
            case "telecined":
                return ("telecined: its film's own frames; --deinterlace off leaves all of them",)
        return ()

    def header(self, header: VideoHeader) -> VideoHeader:
        """The header of the clip once it is progressive."""
        rate = header.rate
        if self.kind == "telecined" and rate is not None:
            frames = round(header.frames * _FILM)
            return replace(header, rate=rate * _FILM, frames=frames, interlaced=False)
        if self.kind == "interlaced" and self.double:
            return replace(
                header,
                rate=None if rate is None else 2 * rate,
                time_base=header.time_base / 2,
                start=2 * header.start,
                frames=2 * header.frames,
                interlaced=False,
            )
        return header if self.kind == "progressive" else replace(header, interlaced=False)


def fields_in_clip(path: Path, header: VideoHeader, *, double: bool = False) -> Fields:
    """What the frames of a clip are made of, judging by a few of them.

    Args:
        path: The clip.
        header: Its header.
        double: See `Fields`.
    """
    import av

    if header.height < _LEAST_LINES and not header.interlaced:
        return Fields()
    seen: Counter[str] = Counter()
    with reading(path), open_input(path) as container:
        stream = picture_stream(container, path)
        start, length = container.start_time or 0, container.duration
        for share in _SHARES if length else (0.0,):
            # Damage, or a file that cannot seek, is reported when all of it is read.
            with contextlib.suppress(av.FFmpegError, IndexError):
                if length:
                    container.seek(start + int(length * share))
                _look(container.decode(stream), seen)
    told = seen["tff"] + seen["bff"] + seen["progressive"]
    top_first = seen["tff"] >= seen["bff"]
    if told < _LEAST_TOLD:  # nothing moves: trust the file
        kind: Any = "interlaced" if header.interlaced else "progressive"
        return Fields(kind, top_first, double)
    share = (seen["tff"] + seen["bff"]) / told
    repeated = (seen["top"] + seen["bottom"]) / max(1, seen["frames"])
    if share >= _TELECINED and repeated >= _REPEATED and header.rate == _TELEVISION:
        return Fields("telecined", top_first)
    if share >= _INTERLACED:
        return Fields("interlaced", top_first, double)
    return Fields()


def _look(frames: Iterator[av.VideoFrame], seen: Counter[str]) -> None:
    graph: FilterChain | None = None
    for number, frame in enumerate(frames):
        if number == _LOOKED_AT:
            break
        graph = graph or FilterChain(frame, "idet")
        for out in graph.pushed(frame):
            about = out.metadata
            seen["frames"] += 1
            seen[about.get("lavfi.idet.multiple.current_frame", "")] += 1
            seen[about.get("lavfi.idet.repeated.current_frame", "")] += 1


def made_progressive(
    frames: Iterator[av.VideoFrame], fields: Fields, time_base: Fraction
) -> Iterator[av.VideoFrame]:
    """The frames of a clip without fields.

    Args:
        frames: The decoded frames.
        fields: The fields found.
        time_base: That of `Fields.header`, used for the output frames.
    """
    if fields.kind == "progressive":
        yield from frames
        return
    parity = "tff" if fields.top_first else "bff"
    if fields.kind == "telecined":
        filters = (
            f"fps={_TELEVISION},fieldmatch=order={parity}:combmatch=full,"
            f"bwdif=mode=send_frame:parity={parity}:deint=interlaced,decimate"
        )
    else:
        mode = "send_field" if fields.double else "send_frame"
        filters = f"bwdif=mode={mode}:parity={parity}:deint=all"
    graph: FilterChain | None = None
    last: av.VideoFrame | None = None
    for frame in frames:
        if graph is not None and last is not None and _shape(frame) != _shape(last):
            yield from graph.flushed(time_base)  # a filter supports only one size
            graph = None
        graph = graph or FilterChain(frame, filters)
        yield from graph.pushed(frame, time_base)
        last = frame
    if graph is not None:
        yield from graph.flushed(time_base)


def _shape(frame: av.VideoFrame) -> tuple[int, int, str]:
    return frame.width, frame.height, frame.format.name
