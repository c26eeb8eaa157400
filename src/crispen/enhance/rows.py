"""A window that slides down a stream of bands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np

from crispen.engines.base import Pixels
from crispen.errors import InputError


class Rows:
    """Serves rows out of a stream of full-width bands and forgets those above.

    Args:
        bands: ``(rows, width, channels)`` from top to bottom, in any heights.
    """

    def __init__(self, bands: Iterator[Pixels]) -> None:
        self._bands = bands
        self._held: list[Pixels] = []
        self._first = 0
        self._stop = 0

    def take(self, start: int, stop: int) -> Pixels:
        """Rows ``[start, stop)``; rows above `start` are then no longer available."""
        while self._stop < stop:
            band = _next(self._bands)
            self._held.append(band)
            self._stop += len(band)
        while self._held and self._first + len(self._held[0]) <= start:
            self._first += len(self._held.pop(0))
        parts = []
        at = self._first
        for band in self._held:
            if at < stop:
                parts.append(band[max(0, start - at) : stop - at])
            at += len(band)
        # A copy would double the memory where one band holds all that is wanted.
        return parts[0] if len(parts) == 1 else cast(Pixels, np.concatenate(parts))


def frame_of(bands: Iterator[Pixels], height: int) -> Iterator[Pixels]:
    """The bands of the next frame, `height` rows in all; a band never spans two frames."""
    rows = 0
    while rows < height:
        band = _next(bands)
        rows += len(band)
        yield band


def _next(bands: Iterator[Pixels]) -> Pixels:
    band = next(bands, None)
    if band is None:  # a StopIteration inside a generator would surface as a RuntimeError
        raise InputError(
            "the picture ends before its last row; it may be cut short, fetch it again"
        )
    return band
