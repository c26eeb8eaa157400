"""How to change the light of a clip, from beginning to end.

A separate curve for each frame would make the picture flicker. So curves are first found at a few
positions of the clip, smoothed over time, and interpolated for the frames between. They depend on
the clip alone, not on where an interrupted run continued.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crispen.errors import InputError
from crispen.media.video.box import Box
from crispen.media.video.container import open_input, picture_stream, reading
from crispen.media.video.margins import trimmed
from crispen.models.curve import Curve, Overview

if TYPE_CHECKING:
    import av

_MOST_PLACES = 200
_LEAST_APART_S = 0.5
# Curves this far apart in time weight each other by 1/e, if the pictures are alike.
_SMOOTH_S = 2.0
# Quantiles that differ by this much on average belong to another scene.
_ALIKE = 0.05


@dataclass(frozen=True)
class Light:
    """Curves over time.

    Attributes:
        times: Seconds, rising.
        values: ``(len(times), 3, KNOTS)``.
    """

    times: NDArray[np.float64]
    values: NDArray[np.float64]

    def at(self, time: float) -> Curve:
        """The curve of the frame at `time`."""
        after = int(np.searchsorted(self.times, time))
        if after == 0 or after == len(self.times):
            return Curve(self.values[min(after, len(self.times) - 1)])
        begin, end = self.times[after - 1], self.times[after]
        share = (time - begin) / (end - begin)
        return Curve(self.values[after - 1] * (1 - share) + self.values[after] * share)


def light_in_clip(path: Path, look: Callable[[Overview], Curve], box: Box | None = None) -> Light:
    """The light of a clip, found in its key frames.

    Args:
        path: A video file.
        look: Returns the curve of one picture.
        box: The rectangle of each frame to measure, as stored; the whole frame unless given.

    Raises:
        InputError: None of its frames can be read.
    """
    places = list(_looked_at(path, box))
    if not places:
        raise InputError(f"{path}: no frame of it can be read; fetch it again")
    times = np.array([time for time, _ in places])
    curves = np.stack([look(overview).values for _, overview in places])
    levels = np.stack([overview.statistics for _, overview in places])
    apart = np.abs(times[:, None] - times) / _SMOOTH_S
    unlike = np.abs(levels[:, None] - levels).mean(axis=(2, 3)) / _ALIKE
    weights = np.exp(-(apart**2) - unlike**2)
    weights /= weights.sum(axis=1, keepdims=True)
    return Light(times, np.einsum("ij,jck->ick", weights, curves))


def _looked_at(path: Path, box: Box | None) -> list[tuple[float, Overview]]:
    """Time and overview of key frames, spread evenly over the clip."""
    found: list[tuple[float, Overview]] = []
    with reading(path), open_input(path) as container:
        stream = picture_stream(container, path)
        length = float(container.duration or 0) / 1e6
        apart = max(_LEAST_APART_S, length / _MOST_PLACES)
        context = stream.codec_context
        context.skip_frame = "NONKEY"
        for frame in trimmed(container.decode(stream), container, stream):
            time = float(frame.time or 0.0)
            if not found or time >= found[-1][0] + apart:
                found.append((time, _overview(frame, box)))
    return found


def _overview(frame: av.VideoFrame, box: Box | None) -> Overview:
    pixels = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    if box is not None:
        pixels = pixels[box.top :, box.left :][: box.height, : box.width]
    return Overview.of(pixels, 255, stored=False)
