"""Film grain that a network has removed, and grain like it that is put back.

Grain is measured where a clip is flat: what bicubic enlargement of the source has there, and the
result has not. Its strength is known for each brightness, and its spectrum says how coarse it is.
Both are measured at the result's size, for luma and for each chroma. Where a network has removed
nothing, nothing is measured, and nothing is put back.

Noise of that spectrum is made once, as a large tile without seams; every frame takes it from
another position, which follows from the frame's time alone. So a frame's grain does not depend on
where a run was interrupted, and a part of a clip has the grain of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import av
import numpy as np
from numpy.typing import NDArray

from crispen.errors import InputError
from crispen.media.video.box import Box
from crispen.media.video.container import open_input, picture_stream, reading
from crispen.media.video.crop import cropped
from crispen.media.video.header import VideoHeader
from crispen.media.video.margins import trimmed
from crispen.media.video.pixel_formats import Planar

Floats = NDArray[np.float64]
Planes = list[NDArray[Any]]

_SEED = 0x6772_6169
_PLACES = 8
# After a key frame, to come closer to a place.
_MOST_DECODED = 60
# Squares that are compared, in pixels of the source.
_BLOCK = 32
# Share of the squares that are flat at most. They deviate by no more than so many levels of 255,
# or, if a network leaves some grain everywhere, by no more than a factor above the flattest ones.
_FLATTEST, _EVEN, _LEFT = 0.25, 3.0, 1.5
_BINS = 16
_ENOUGH = 4  # squares for a brightness to count
_TILE = 2048
# Below this standard deviation, in levels of 255, it is rounding.
_LEAST = 0.15
# Grain fades out towards black and white over so many levels of 255: bars and burnt-out sky have
# none.
_FADE = 6.0


class Comparing(Protocol):
    """What makes the results; see `crispen.enhance.video.frames.FrameEnhancer`."""

    @property
    def factor(self) -> float:
        """How many times as long the sides become."""
        ...

    @property
    def working(self) -> Planar:
        """Format of the planes."""
        ...

    @property
    def full(self) -> bool:
        """Whether they have full range."""
        ...

    def compared(self, frame: av.VideoFrame) -> tuple[Planes, Planes]:
        """The planes of a frame enlarged bicubically, and those of its result."""
        ...


@dataclass(frozen=True, slots=True)
class PlaneGrain:
    """The grain of one plane.

    Attributes:
        strength: Standard deviation in levels of 255 for `_BINS` brightnesses from 0 to 255, of
            luma also for chroma.
        tile: Noise of its spectrum with a standard deviation of 1, ``(side, side)``; it can be
            repeated in both directions.
    """

    strength: Floats
    tile: NDArray[np.float32]


class Grain:
    """The grain of a clip, put into its results.

    Args:
        planes: Of luma, and of each chroma; None where there is none.
        form: Format of the results.
        full: Whether they have full range.
    """

    def __init__(self, planes: list[PlaneGrain | None], form: Planar, *, full: bool) -> None:
        self._planes = planes
        self._form = form
        self._tables = [None if p is None else _table(p.strength, form, full=full) for p in planes]

    def add(self, levels: Planes, amount: float, stamp: int) -> None:
        """Put grain into a frame.

        Args:
            levels: Its planes, which are changed.
            amount: Share of what was removed, from 0 to 1.
            stamp: The frame's time, which decides where its grain is taken from.
        """
        luma = levels[0].copy()
        for index, (grain, table) in enumerate(zip(self._planes, self._tables, strict=True)):
            if grain is None or table is None:
                continue
            part = levels[index]
            down, across = (-(-a // b) for a, b in zip(luma.shape, part.shape, strict=True))
            strength = table[luma[::down, ::across]]
            noise = _taken(grain.tile, part.shape, stamp, index)
            made = part + np.float32(amount) * strength * noise
            part[:] = np.clip(np.rint(made), 0, self._form.peak)


def grain_in_clip(
    path: Path,
    header: VideoHeader,
    enhancer: Comparing,
    *,
    box: Box | None = None,
    check: Callable[[], None] = lambda: None,
) -> Grain | None:
    """The grain that an enhancer removes from a clip; None if it removes none.

    Args:
        path: A video file.
        header: Its header.
        enhancer: Makes its results.
        box: The rectangle of each frame that is kept, as stored; the whole frame unless given.
        check: Called before each frame; can raise to stop.

    Raises:
        InputError: None of its frames can be read.
    """
    pairs = []
    for frame in cropped(_sampled(path), box, header):
        check()
        pairs.append(enhancer.compared(frame))
    if not pairs:
        raise InputError(f"{path}: no frame of it can be read; fetch it again")
    block = _BLOCK * max(1, min(4, round(enhancer.factor)))
    form, full = enhancer.working, enhancer.full
    planes = removed(pairs, form, block, full=full)
    return Grain(planes, form, full=full) if any(planes) else None


def removed(
    pairs: Iterable[tuple[Planes, Planes]], form: Planar, block: int, *, full: bool
) -> list[PlaneGrain | None]:
    """The grain that some frames have and others have not, for each plane.

    Args:
        pairs: The planes of frames with it, and of the same frames without.
        form: Their format.
        block: Side of the squares that are compared, in pixels of luma.
        full: Whether they have full range.
    """
    found = [_squares(before, after, form, block, full=full) for before, after in pairs]
    return [_grain([*parts], index) for index, parts in enumerate(zip(*found, strict=True))]


def _sampled(path: Path) -> Iterator[av.VideoFrame]:
    """Frames at a few positions of a clip."""
    seen = set()
    with reading(path), open_input(path) as container:
        stream = picture_stream(container, path)
        begin, length = container.start_time or 0, container.duration or 0
        for number in range(_PLACES if length else 1):
            wanted = begin + length * (2 * number + 1) // (2 * _PLACES)
            frame = None
            try:
                if length:
                    container.seek(wanted)
                frames = trimmed(container.decode(stream), container, stream)
                for frame in islice(frames, _MOST_DECODED):
                    if (frame.time or 0.0) * 1e6 >= wanted:
                        break
            except av.FFmpegError:  # damage here; another place may be whole
                pass
            if frame is not None and frame.pts not in seen:
                seen.add(frame.pts)
                yield frame


@dataclass(frozen=True, slots=True)
class _Squares:
    """Flat squares of one plane.

    Attributes:
        brightness: Mean luma of each, in levels of 255.
        spread: Variance of what is missing in each, in levels of 255.
        spectrum: Sum of the power spectra of all, each divided by its variance.
    """

    brightness: Floats
    spread: Floats
    spectrum: Floats


def _squares(
    before: Planes, after: Planes, form: Planar, block: int, *, full: bool
) -> list[_Squares]:
    """The flat squares of each plane of a frame; arguments as for `removed`."""
    unit = _unit(form, full=full)
    height, width = after[0].shape
    block = max(2, min(block, height // 4 * 2, width // 4 * 2))
    count = height // block, width // block
    luma = _cells(after[0], count, (block, block)) / unit
    deviation = luma.std(axis=(1, 2))
    # Bars and titles are flat to begin with, and tell nothing.
    flat = _cells(before[0], count, (block, block)).std(axis=(1, 2)) > 0
    if flat.any():
        least, some = np.quantile(deviation[flat], (0.05, _FLATTEST))
        flat &= deviation <= min(some, max(_EVEN, _LEFT * least))
    found = []
    for one, other in zip(before, after, strict=True):
        side = tuple(block // -(-a // b) for a, b in zip((height, width), one.shape, strict=True))
        missing = _cells(one.astype(np.float64) - other, count, side)[flat] / unit
        missing -= missing.mean(axis=(1, 2), keepdims=True)
        spread = missing.var(axis=(1, 2))
        window = np.outer(*(np.hanning(n + 2)[1:-1] for n in side))
        power = np.abs(np.fft.fft2(missing * window)) ** 2
        noisy = spread > 0
        spectrum = (power[noisy] / spread[noisy, None, None]).sum(axis=0)
        found.append(_Squares(luma.mean(axis=(1, 2))[flat], spread, spectrum))
    return found


def _cells(levels: NDArray[Any], count: tuple[int, int], side: tuple[int, ...]) -> Floats:
    """``(squares, tall, wide)``, row by row; what is left at the right and below is dropped."""
    (rows, columns), (tall, wide) = count, side
    whole = levels[: rows * tall, : columns * wide].reshape(rows, tall, columns, wide)
    return whole.swapaxes(1, 2).reshape(-1, tall, wide).astype(np.float64)


def _unit(form: Planar, *, full: bool) -> float:
    """Levels of a format that make one of 255."""
    return form.peak / 255 if full else float(1 << form.bits - 8)


def _grain(frames: list[_Squares], index: int) -> PlaneGrain | None:
    brightness = np.concatenate([f.brightness for f in frames])
    spread = np.concatenate([f.spread for f in frames])
    edges = np.linspace(0, 255, _BINS)
    places = np.rint(brightness / 255 * (_BINS - 1)).astype(int).clip(0, _BINS - 1)
    known = [n for n in range(_BINS) if (places == n).sum() >= _ENOUGH]
    if not known:
        return None
    measured = np.sqrt([np.median(spread[places == n]) for n in known])
    strength = np.interp(edges, edges[known], np.where(measured < _LEAST, 0.0, measured))
    if not strength.any():
        return None
    spectrum = np.sum([f.spectrum for f in frames], axis=0)
    return PlaneGrain(np.round(strength, 3), _tile(spectrum, index))


def _tile(spectrum: Floats, index: int) -> NDArray[np.float32]:
    """Noise of a spectrum, ``(_TILE, _TILE)``, without seams."""
    rows, columns = spectrum.shape
    # The spectrum of real samples is symmetric; which way grain leans is not kept.
    quarter = spectrum[: rows // 2 + 1, : columns // 2 + 1].copy()
    quarter += spectrum[-np.arange(rows // 2 + 1) % rows, : columns // 2 + 1]
    # The mean of a square was taken off, and its window spreads that over the neighbours.
    quarter[0, 0] = (quarter[0, 1] + quarter[1, 0]) / 2
    amplitude = np.sqrt(quarter)
    down = np.abs(np.fft.fftfreq(_TILE)) * rows
    across = np.fft.rfftfreq(_TILE) * columns
    shaped = _along(_along(amplitude, down, 0), across, 1)
    white = np.random.default_rng((_SEED, index)).standard_normal((_TILE, _TILE))
    noise = np.fft.irfft2(np.fft.rfft2(white) * shaped, s=(_TILE, _TILE))
    noise -= noise.mean()
    return np.asarray(noise / max(float(noise.std()), 1e-12), np.float32)


def _along(levels: Floats, places: Floats, axis: int) -> Floats:
    """Levels at places between their rows or columns, linearly."""
    below = np.floor(places).astype(int).clip(0, levels.shape[axis] - 2)
    share = places - below
    share = share[:, None] if axis == 0 else share[None]
    one, other = np.take(levels, below, axis), np.take(levels, below + 1, axis)
    between: Floats = one * (1 - share) + other * share
    return between


def _table(strength: Floats, form: Planar, *, full: bool) -> NDArray[np.float32]:
    """Standard deviation for each level of luma, in levels of the format."""
    unit = _unit(form, full=full)
    level = np.arange(form.peak + 1) / unit
    black, white = (0.0, 255.0) if full else (16.0, 235.0)
    fade = np.clip(np.minimum(level - black, white - level) / _FADE, 0, 1)
    spread = np.interp(level, np.linspace(0, 255, _BINS), strength)
    return np.asarray(spread * fade * unit, np.float32)


def _taken(
    tile: NDArray[np.float32], shape: tuple[int, ...], stamp: int, index: int
) -> NDArray[np.float32]:
    """The part of a tile for one plane of a frame."""
    numbers = np.random.SeedSequence((_SEED, stamp % (1 << 63), index)).generate_state(4)
    top, left = (int(n) % _TILE for n in numbers[:2])
    rows = (top + np.arange(shape[0])) % _TILE
    columns = (left + np.arange(shape[1])) % _TILE
    part = tile[rows[:, None], columns]
    part = part[::-1] if numbers[2] & 1 else part
    return part[:, ::-1] if numbers[2] & 2 else part
