"""Nothing is computed twice: unchanged parts of a frame reuse the previous frame's result.

Screen recordings, slides, drawings on twos, bars above and below a film: most of such a frame is
bit-identical to the previous one. A network with a known halo depends only on the pixels around
each, so its result there is equal, too. A frame is divided into windows of one size; only those
with a change within the halo are computed. If that would take longer than computing the
whole frame, since windows overlap, the whole frame is computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from crispen.engines.base import Pixels
from crispen.enhance.stages import ModelStage
from crispen.enhance.tiling import round_up

# Of the source. Smaller windows save more if little changes, and overlap more.
_CORE_PX = 128
# A window costs more than its pixels: its own run, and its copy.
_SURCHARGE = 1.15


@dataclass
class Reused:
    """Work saved.

    Attributes:
        pixels: Of all frames.
        computed: Pixels that went through the network, halos included.
    """

    pixels: int = 0
    computed: int = 0

    @property
    def share(self) -> float:
        """The share of the work that was saved, from 0 to 1."""
        return max(0.0, 1.0 - self.computed / self.pixels) if self.pixels else 0.0


@dataclass(frozen=True, slots=True)
class _Axis:
    """Windows of one length along one side, which together cover it.

    Attributes:
        cores: Start of the kept part of each, and ``length`` last.
        starts: Start of each window.
        window: Their common length.
    """

    cores: tuple[int, ...]
    starts: tuple[int, ...]
    window: int

    @classmethod
    def of(cls, length: int, halo: int, multiple: int) -> _Axis | None:
        """None if one window is as good as several."""
        halo = round_up(halo, multiple)
        core = round_up(_CORE_PX, multiple)
        window = core + 2 * halo
        if window >= length or length % multiple:
            return None
        cores = tuple(range(0, length, core))
        starts = tuple(min(max(0, first - halo), length - window) for first in cores)
        return cls((*cores, length), starts, window)


class UnchangedStage:
    """A stage for consecutive frames, with the same result in less time.

    Args:
        stage: On whole frames.
        reused: Counts what is saved.
    """

    def __init__(self, stage: ModelStage, reused: Reused) -> None:
        self._stage = stage
        self._reused = reused
        self._before: Pixels | None = None
        self._result: Pixels | None = None
        source, halo, multiple = stage.source, stage.halo, stage.multiple
        self._halo = halo or 0
        self._down = self._across = None
        if halo is not None:
            self._down = _Axis.of(source.height, halo, multiple)
            self._across = _Axis.of(source.width, halo, multiple)

    def __call__(self, pixels: Pixels) -> Pixels:
        """The result, which is read before the next call and not changed.

        Args:
            pixels: A frame, ``(height, width, channels)``.
        """
        whole = pixels.shape[0] * pixels.shape[1]
        self._reused.pixels += whole
        before, result = self._before, self._result
        self._before = pixels.copy()
        changed: NDArray[np.bool_] | None = None
        if before is not None and result is not None and before.dtype == pixels.dtype:
            changed = _differences(pixels, before)
            if not changed.any():
                return result
        if changed is not None and result is not None and self._down and self._across:
            windows = self._in_sight(changed, self._down, self._across)
            cost = len(windows) * self._down.window * self._across.window
            if cost * _SURCHARGE < whole:
                self._reused.computed += cost
                self._compute(pixels, windows, result, self._down, self._across)
                return result
        self._reused.computed += whole
        self._result = self._stage.window(pixels)
        return self._result

    def _in_sight(
        self, changed: NDArray[np.bool_], down: _Axis, across: _Axis
    ) -> list[tuple[int, int]]:
        """The windows whose core is affected by a change: those with one within the halo."""
        rows = [_reaching(down, n, self._halo) for n in range(len(down.starts))]
        columns = [_reaching(across, n, self._halo) for n in range(len(across.starts))]
        found = []
        for i, row in enumerate(rows):
            strip = np.asarray(changed[row].any(axis=0))
            found += [(i, j) for j, column in enumerate(columns) if strip[column].any()]
        return found

    def _compute(
        self,
        pixels: Pixels,
        windows: list[tuple[int, int]],
        result: Pixels,
        down: _Axis,
        across: _Axis,
    ) -> None:
        scale = result.shape[0] // pixels.shape[0]
        for i, j in windows:
            top, left = down.starts[i], across.starts[j]
            seen = pixels[top : top + down.window, left : left + across.window]
            made = self._stage.window(cast(Pixels, np.ascontiguousarray(seen)))
            rows, columns = (slice(*axis.cores[n : n + 2]) for axis, n in ((down, i), (across, j)))
            result[_times(rows, scale), _times(columns, scale)] = made[
                _times(rows, scale, top), _times(columns, scale, left)
            ]


def _differences(a: Pixels, b: Pixels) -> NDArray[np.bool_]:
    """``(height, width)``: where any channel differs."""
    found: NDArray[np.bool_] = np.not_equal(a[..., 0], b[..., 0])
    for channel in range(1, a.shape[2]):
        found |= np.not_equal(a[..., channel], b[..., channel])
    return found


def _reaching(axis: _Axis, number: int, halo: int) -> slice:
    """The pixels that affect the core of a window."""
    length = axis.cores[-1]
    first, last = axis.cores[number : number + 2]
    return slice(max(0, first - halo), min(length, last + halo))


def _times(span: slice, scale: int, origin: int = 0) -> slice:
    return slice((span.start - origin) * scale, (span.stop - origin) * scale)
