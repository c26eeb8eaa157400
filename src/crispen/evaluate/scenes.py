"""Which scenes of a clip show best what enhancing it does, from a sparse sample of its frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from crispen.errors import InputError
from crispen.look.looking import damage_of
from crispen.media.video.box import Box
from crispen.media.video.container import open_input, picture_stream, reading
from crispen.media.video.header import VideoHeader
from crispen.media.video.margins import trimmed
from crispen.media.video.span import Span

_PLACES = 24
# After a key frame, to come closer to the place that was wanted.
_MOST_DECODED = 120
# Frames between the two that tell how much moves.
_STEP = 2
_BLOCK = 8
# Of two scenes that are shown, as a share of the part.
_APART = Fraction(1, 8)
_DETAIL, _MOTION, _DAMAGE = 2.0, 1.0, 1.0


@dataclass(frozen=True, slots=True)
class Scene:
    """A place in a clip.

    Attributes:
        time: Of its first frame, in seconds from the clip's beginning.
        score: From 0 to 1; higher shows more.
    """

    time: Fraction
    score: float


def telling_scenes(
    path: Path, header: VideoHeader, count: int, *, span: Span | None = None, box: Box | None = None
) -> list[Scene]:
    """The places with most detail, motion and damage, the best first.

    Places are compared with each other only, by their ranks; detail counts as much as the other
    two together. The same file always gives the same places.

    Args:
        path: A video file.
        header: Its header.
        count: The most places; fewer are found in a short clip, at least one.
        span: The part that is asked for; all of it unless given.
        box: The rectangle that is kept, as stored; all of it unless given.

    Raises:
        InputError: None of its frames can be read.
    """
    begin = Fraction(0) if span is None or span.begin is None else span.begin
    end = header.length or begin
    if span is not None and span.end is not None:
        end = min(end, span.end) if header.length else span.end
    found: dict[Fraction, tuple[float, float, float]] = {}
    with reading(path), open_input(path) as container:
        stream = picture_stream(container, path)
        stream.thread_type = "AUTO"
        base = stream.time_base or Fraction(1, 1000)
        for number in range(_PLACES if end > begin else 1):
            wanted = begin + (end - begin) * Fraction(2 * number + 1, 2 * _PLACES)
            if number or begin:
                try:
                    container.seek(int((wanted + header.origin) / base), stream=stream)
                except av.FFmpegError:
                    break
            frames = trimmed(container.decode(stream), container, stream)
            pair = _pair(frames, header, begin, wanted)
            if pair and pair[0] not in found and (end <= begin or pair[0] < end):
                found[pair[0]] = _measured(pair[1], pair[2], box)
    if not found:
        raise InputError(f"{path}: no frame of it can be read; fetch it again")
    scores = _scores(np.array([*found.values()], float))
    scenes = [Scene(time, float(s)) for time, s in zip(found, scores, strict=True)]
    chosen: list[Scene] = []
    for scene in sorted(scenes, key=lambda s: (-s.score, s.time)):
        apart = (end - begin) * _APART
        if len(chosen) < count and all(abs(scene.time - c.time) >= apart for c in chosen):
            chosen.append(scene)
    return chosen


def _pair(
    frames: Iterator[av.VideoFrame], header: VideoHeader, begin: Fraction, wanted: Fraction
) -> tuple[Fraction, av.VideoFrame, av.VideoFrame] | None:
    """The first frame near a time, when it is shown, and one a little later."""
    shown: list[tuple[Fraction, av.VideoFrame]] = []
    early: list[tuple[Fraction, av.VideoFrame]] = []
    try:
        for number, frame in enumerate(frames):
            stamp = (frame.pts or 0) * (frame.time_base or header.time_base) - header.origin
            if stamp < begin:
                continue
            if stamp < wanted and number < _MOST_DECODED:
                early = [(stamp, frame)]
                continue
            shown.append((stamp, frame))
            if len(shown) > _STEP:
                break
    except av.FFmpegError:  # damage here; another place may be whole
        pass
    shown = shown or early
    return (*shown[0], shown[-1][1]) if shown else None


def _measured(
    first: av.VideoFrame, second: av.VideoFrame, box: Box | None
) -> tuple[float, float, float]:
    """How much detail, motion and damage there is."""
    one, other = (_pixels(frame, box) for frame in (first, second))
    green = one[..., 1].astype(np.int16)
    detail = float(np.abs(np.diff(green, axis=0)).mean() + np.abs(np.diff(green, axis=1)).mean())
    motion = 0.0
    if one.shape == other.shape:
        motion = float(np.abs(_blocks(one) - _blocks(other)).mean())
    noise, compression, _ = damage_of(one, lossy=True).values
    return detail, motion, (noise or 0.0) + (compression or 0.0)


def _pixels(frame: av.VideoFrame, box: Box | None) -> NDArray[np.uint8]:
    pixels = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    if box is not None:
        pixels = pixels[box.top :, box.left :][: box.height, : box.width]
    return pixels


def _blocks(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Means of small squares, in which noise hardly counts as motion."""
    side = min(_BLOCK, *pixels.shape[:2])
    rows, columns = (n // side for n in pixels.shape[:2])
    whole = pixels[: rows * side, : columns * side, 1]
    means: NDArray[np.float64] = whole.reshape(rows, side, columns, side).mean(axis=(1, 3))
    return means


def _scores(measured: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted mean of the ranks of each measure, ``(places,)``."""
    below = (measured[:, None] > measured).mean(axis=1)
    equal = (measured[:, None] == measured).mean(axis=1)
    ranks = below + equal / 2
    weights = np.array([_DETAIL, _MOTION, _DAMAGE])
    return np.asarray(ranks @ weights / weights.sum())
