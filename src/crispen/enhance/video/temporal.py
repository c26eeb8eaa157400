"""Temporal denoising: the average of five frames, wherever nothing moves.

A network that sees one frame cannot tell noise from detail as well as time can, and sharpens what
it leaves: noise that survived a codec flickered more after it than before. Where the pixels around
one change from frame to frame by no more than the noise explains, its average over the frames
nearby has less than half the noise, and no detail is lost. Where they change by more, because
something moves or the scene is cut, the frame stays as it is.

A frame depends on two before and two after it, not on where a run began.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crispen.enhance.box_sums import moving_sums
from crispen.media.video.pixel_formats import plane, source_format

if TYPE_CHECKING:
    import av

Floats = NDArray[np.float32]

# Frames before and after one that its average takes in.
REACH = 2
# Pixels around one whose change says whether it moves.
_RADIUS = 3
# A change is noise up to this multiple of the noise's standard deviation, and levels of 255: in
# what codecs leave, noise differs from place to place.
_TIMES, _MORE = 1.5, 2.0


class _Frame:
    """A frame, and the planes it had before any was changed."""

    def __init__(self, frame: av.VideoFrame) -> None:
        form = source_format(frame.format)
        self.frame = frame
        self.shape = (frame.format.name, frame.width, frame.height)
        self.planes: list[NDArray[Any]] = []
        if form.direct:
            count = 1 if form.grey else 3
            self.planes = [plane(frame, i, form.planar.dtype).copy() for i in range(count)]
            self.luma = self.planes[0].astype(np.float32) * np.float32(255 / form.planar.peak)
        self.changes: dict[int, Floats] = {}  # to later frames, by their distance


def temporally_denoised(frames: Iterator[av.VideoFrame], noise: float) -> Iterator[av.VideoFrame]:
    """Each frame, averaged with its neighbours where nothing moves.

    Frames of formats that are not planar Y'CbCr or grey stay as they are.

    Args:
        frames: Of one clip, in order; their pixels are changed.
        noise: Standard deviation of the noise in 255ths of the largest level; 0 changes nothing.
    """
    if not noise:
        yield from frames
        return
    limit = np.float32((_TIMES * noise + _MORE) ** 2)
    near: deque[_Frame] = deque(maxlen=2 * REACH + 1)
    waiting = 0  # of the last frames in `near`, how many are still to come
    for frame in frames:
        near.append(_Frame(frame))
        _compare(near)
        waiting += 1
        if waiting > REACH:
            yield _averaged(near, len(near) - waiting, limit)
            waiting -= 1
    for at in range(len(near) - waiting, len(near)):
        yield _averaged(near, at, limit)


def _compare(near: Sequence[_Frame]) -> None:
    """Notes how much the last frame differs from those before it."""
    last = near[-1]
    for distance in range(1, min(REACH, len(near) - 1) + 1):
        earlier = near[-1 - distance]
        if last.planes and earlier.shape == last.shape:
            change = last.luma - earlier.luma
            change *= change
            earlier.changes[distance] = _around(_around(change).T).T


def _averaged(near: Sequence[_Frame], at: int, limit: np.float32) -> av.VideoFrame:
    this = near[at]
    weights: list[tuple[_Frame, Floats]] = []
    for place in range(max(0, at - REACH), min(len(near), at + REACH + 1)):
        first, second = min(at, place), max(at, place)
        change = near[first].changes.get(second - first)
        if change is not None:
            weights.append((near[place], np.clip(2 - change / limit, 0, 1)))
    if not any(weight.any() for _, weight in weights):
        return this.frame
    this.frame.make_writable()
    for index, own in enumerate(this.planes):
        total, whole = own.astype(np.float32), np.ones(own.shape, np.float32)
        down, across = (-(-a // b) for a, b in zip(this.luma.shape, own.shape, strict=True))
        for other, weight in weights:
            share = weight[::down, ::across]
            total += share * other.planes[index]
            whole += share
        plane(this.frame, index, own.dtype)[:] = np.rint(total / whole)
    return this.frame


def _around(values: Floats) -> Floats:
    """Means over `_RADIUS` rows to either side, of which the first and the last are repeated."""
    padded = np.pad(values, ((_RADIUS, _RADIUS), (0, 0)), "edge")
    total: Floats = moving_sums(padded, 2 * _RADIUS + 1)
    total *= np.float32(1 / (2 * _RADIUS + 1))
    return total


def noise_between(lumas: Sequence[NDArray[np.floating]]) -> float:
    """The standard deviation of the noise in frames in a row, in levels.

    The calmest tenth of the picture decides: what moves differs from frame to frame without any
    noise, and what is textured is uneven without any. A codec takes more noise off calm places than
    off others, so this is rather too little than too much.

    Args:
        lumas: ``(height, width)``, at least two of the same shape.
    """
    still, even = [], []
    for before, after in itertools.pairwise(lumas):
        x: Floats = np.asarray(after, np.float32)
        change: Floats = x - np.asarray(before, np.float32)
        change *= change
        still.append(_calm(change / np.float32(2)))
        down = x[:-2] - 2 * x[1:-1] + x[2:]
        uneven: Floats = (down[:, :-2] - 2 * down[:, 1:-1] + down[:, 2:]) / np.float32(6)
        uneven *= uneven
        even.append(_calm(uneven))
    return min(float(np.median(still)), float(np.median(even)))


def _calm(squares: Floats) -> float:
    lowest = float(np.quantile(_around(_around(squares).T), 0.1))
    return math.sqrt(max(0.0, lowest))
