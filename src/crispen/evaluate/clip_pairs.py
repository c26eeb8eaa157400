"""The frames of a video as references, from which small or degraded inputs are made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from crispen.errors import UsageError
from crispen.evaluate.clips import Clip
from crispen.evaluate.pairs import Bytes, Pair


@dataclass(frozen=True, slots=True)
class FramePair(Pair):
    """One frame; its name in tables gives its number and time."""

    pixels: Bytes = field(default_factory=lambda: np.zeros((0, 0, 3), np.uint8), repr=False)

    def reference(self) -> Bytes:
        """``(h, w, 3)`` of the frame, turned as it is shown."""
        return self.pixels


def frame_pairs(path: Path, scale: int, *, degraded: bool = False) -> Iterator[Pair]:
    """All frames of a video, one in memory at a time.

    Args:
        path: A video.
        scale: How many times smaller the inputs are.
        degraded: They are made by a degradation, not by downscaling.

    Raises:
        InputError: It cannot be read.
        UsageError: The inputs would not be degraded at all.
    """
    if scale == 1 and not degraded:
        raise UsageError(
            f"{path}: its frames are not degraded, so there is nothing to restore; give "
            "--degrade gaussian-noise=25 or the like"
        )
    clip = Clip.of(path)
    for number, (time, frame) in enumerate(clip.frames()):
        shown = np.rot90(frame.to_ndarray(format="rgb24"), clip.header.rotation // 90)
        name = Path(f"frame {number}, {float(time):.3f} s")
        yield FramePair(name, None, number, np.ascontiguousarray(shown))
