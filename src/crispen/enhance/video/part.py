"""A part of a clip: its approximate length, and the times of its frames."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from crispen.errors import UsageError
from crispen.media.video.header import VideoHeader
from crispen.media.video.span import Span

if TYPE_CHECKING:
    import av

    from crispen.enhance.video.timestamps import FrameClock


def about_frames(header: VideoHeader, span: Span) -> int:
    """Approximate number of frames in a part of a clip; 0 if unknown."""
    if not (span and header.rate and header.frames):
        return header.frames
    start = header.start * header.time_base
    end = start + header.frames / header.rate
    kept = span.overlap(start, end) or (start, start)
    return round((kept[1] - kept[0]) * header.rate)


def nothing_left(source: Path, length: Fraction | None, span: Span) -> UsageError:
    """The error for a part of a clip without frames.

    Args:
        source: The clip.
        length: Its end in seconds, if known.
        span: The part.
    """
    ends = "" if length is None else f"; it ends at {float(length):.3f} s"
    begin = float(span.begin or 0)
    until = "" if span.end is None else f" and before {float(span.end):g} s"
    return UsageError(f"{source}: no frame of it is shown from {begin:g} s on{until}{ends}")


def begun_at_zero(frames: Iterator[av.VideoFrame], clock: FrameClock) -> Iterator[av.VideoFrame]:
    """Frames from a clock, shifted so that the first one's time is 0."""
    for frame in frames:
        frame.pts = (frame.pts or 0) - clock.first
        yield frame
