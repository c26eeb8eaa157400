"""The steps a picture goes through, each a stream of bands into another stream of bands.

A picture is never whole anywhere: bands of full-width rows run through a chain of stages, so that
memory depends on the width and the budget alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

import numpy as np

from crispen.engines.base import Engine, Pixels
from crispen.enhance.blend import Overlap, blended_frame, overlap_of
from crispen.enhance.fill import filled_frame
from crispen.enhance.resize import Resizer
from crispen.enhance.rows import Rows, frame_of
from crispen.enhance.tiling import Span, spans, window_shape
from crispen.enhance.window import halo_of, run_window

Tick = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Shape:
    """The stream between two stages.

    Attributes:
        width: Columns of a frame.
        height: Rows of a frame.
        channels: 1 to 4; 2 and 4 end in alpha.
        bytes_per_sample: 1 or 2.
    """

    width: int
    height: int
    channels: int
    bytes_per_sample: int

    @property
    def has_alpha(self) -> bool:
        """Whether the last channel is alpha."""
        return self.channels in (2, 4)


Room = Callable[[int], Pixels]
"""Gives a buffer for the next rows of the final picture, as many as requested."""


class Stage(Protocol):
    """One step.

    Attributes:
        source: Input.
        result: Output.
        work: Rough cost of a frame, for progress.
    """

    source: Shape
    result: Shape
    work: float

    def frame(self, bands: Iterator[Pixels], tick: Tick) -> Iterator[Pixels]:
        """One frame's bands, changed; `tick` is called with each finished share of the frame."""
        ...


class FillStage:
    """Fills hidden pixels with the colour of their visible neighbours; see `fill`."""

    def __init__(self, source: Shape, radius: int) -> None:
        self.source = self.result = source
        self.work = 200.0 * source.width * source.height
        self._radius = radius

    def frame(self, bands: Iterator[Pixels], tick: Tick) -> Iterator[Pixels]:
        """One frame's bands, filled."""
        for band in filled_frame(bands, self.source.height, self._radius):
            tick(len(band) / self.source.height)
            yield band


class ModelStage:
    """Runs a network over windows of the picture.

    Args:
        engine: The network.
        source: Input.
        memory_bytes: See `tiling.window_shape`.
        tile_px: Side of square windows, or None to choose; a card's own ``window_px`` takes
            precedence.
        overlap: How tiles overlap if the network has no finite halo, or its card requires it.
        strength: Share of the change by a network of scale 1 to keep.
        peak: The largest level; the dtype's unless given.
        studio: One-channel input is studio-range Y', not a grey picture.

    Attributes:
        room: Where to write bands, if a buffer exists: allocating each costs a large picture
            3 % of its time.
    """

    def __init__(
        self,
        engine: Engine,
        source: Shape,
        *,
        memory_bytes: int,
        tile_px: int | None = None,
        overlap: Overlap | None = None,
        strength: float = 1.0,
        peak: int | None = None,
        studio: bool = False,
    ) -> None:
        card = engine.card
        self.source = source
        self.result = replace(
            source, width=source.width * card.scale, height=source.height * card.scale
        )
        self.work = max(1.0, float(card.parameters)) * source.width * source.height
        self._engine = engine
        self.room: Room | None = None
        self._strength = strength if card.takes_strength else 1.0
        self._peak = peak
        self._studio = studio
        self._overlap = overlap_of(card, tile_px, overlap)
        if self._overlap is not None:
            return
        halo = halo_of(engine, source.channels, studio)
        rows, columns = window_shape(
            source.width,
            source.height,
            card,
            halo=halo,
            bytes_per_px=source.channels * source.bytes_per_sample,
            engine_bytes_per_px=engine.bytes_per_px,
            memory_bytes=memory_bytes,
            tile_px=tile_px,
        )
        self._down = spans(source.height, rows, halo, card.multiple)
        self._across = spans(source.width, columns, halo, card.multiple)

    def frame(self, bands: Iterator[Pixels], tick: Tick) -> Iterator[Pixels]:
        """One frame's bands, enhanced."""
        if self._overlap is not None:
            overlap, source = self._overlap, self.source
            tiles = len(overlap.starts(source.height)) * len(overlap.starts(source.width))
            yield from blended_frame(
                bands,
                source.width,
                source.height,
                self._engine.card.scale,
                overlap,
                self.window,
                lambda _: tick(1.0 / tiles),
            )
            return
        yield from self._tiled(Rows(bands), tick)

    def _tiled(self, rows: Rows, tick: Tick) -> Iterator[Pixels]:
        """Bands of windows.

        A core is copied into its band while the network runs on the next window, since one
        thread copies and fresh memory is slow. A band is therefore passed on one window late, but
        before the next one's memory is touched.
        """
        if len(self._across) == 1 and (self.room is None or len(self._down) == 1):
            for down in self._down:
                band = self.window(rows.take(down.start, down.stop))[self._kept(down)]
                tick((down.core_stop - down.core_start) / self.source.height)
                yield band
            return
        scale = self._engine.card.scale
        copied: Future[None] | None = None
        made: Pixels | None = None
        with ThreadPoolExecutor(1, "crispen-copy") as copier:
            for down in self._down:
                strip = rows.take(down.start, down.stop)
                height = down.core_stop - down.core_start
                band = self._new_band(height * scale, strip.dtype)
                for span in self._across:
                    result = self.window(strip[:, span.start : span.stop])
                    kept = result[self._kept(down), self._kept(span)]
                    place = band[:, span.core_start * scale : span.core_stop * scale]
                    if copied is not None:
                        copied.result()
                    if made is not None:
                        yield made
                        made = None
                    copied = copier.submit(np.copyto, place, kept)
                    share = (span.core_stop - span.core_start) / self.source.width
                    tick(share * height / self.source.height)
                made = band
            assert copied is not None
            assert made is not None
            copied.result()
            yield made

    @property
    def one_window(self) -> bool:
        """Whether whole frames go through the network at once."""
        return self._overlap is None and len(self._down) == len(self._across) == 1

    @property
    def halo(self) -> int | None:
        """Radius of pixels that a result depends on; None if unknown."""
        card = self._engine.card
        if card.halo is None or card.curve or card.window_px is not None:
            return None
        return halo_of(self._engine, self.source.channels, self._studio)

    @property
    def multiple(self) -> int:
        """The multiple of a window's sides and position."""
        return self._engine.card.multiple

    def window(self, pixels: Pixels) -> Pixels:
        """The network's result for a window of a frame, its halo included."""
        return run_window(
            self._engine,
            pixels,
            strength=self._strength,
            peak=self._peak,
            studio=self._studio,
        )

    def _kept(self, span: Span) -> slice:
        """The core of a window's result."""
        scale = self._engine.card.scale
        return slice((span.core_start - span.start) * scale, (span.core_stop - span.start) * scale)

    def _new_band(self, rows: int, dtype: np.dtype[Any]) -> Pixels:
        if self.room is not None:
            return self.room(rows)
        return cast(Pixels, np.empty((rows, self.result.width, self.result.channels), dtype))


class ResizeStage:
    """Resizes the picture to its final size; see `resize`."""

    def __init__(self, source: Shape, width: int, height: int) -> None:
        self.source = source
        self.result = replace(source, width=width, height=height)
        self.work = 300.0 * max(source.width * source.height, width * height)
        self._resizer = Resizer(source.width, source.height, width, height, source.channels)

    def frame(self, bands: Iterator[Pixels], tick: Tick) -> Iterator[Pixels]:
        """One frame's bands at the new size."""
        for band in self._resizer.frame(bands):
            tick(len(band) / self.result.height)
            yield band


def run_stages(
    stages: list[Stage], bands: Iterator[Pixels], frames: int, tick: Tick
) -> Iterator[Pixels]:
    """Bands of all frames through all stages, in order.

    Args:
        stages: The steps; none passes the bands on as they are.
        bands: Bands of `frames` frames, none spanning two.
        frames: How many frames come.
        tick: Called with shares of the whole work, 1 in total.
    """
    whole = sum(stage.work for stage in stages) * frames
    if not stages:
        yield from bands
        return
    for _ in range(frames):
        flow = frame_of(bands, stages[0].source.height)
        for stage in stages:
            flow = stage.frame(flow, _weighted(tick, stage.work / whole))
        yield from flow


def _weighted(tick: Tick, weight: float) -> Tick:
    return lambda share: tick(share * weight)
