"""How compressed and noisy a clip is, measured in its frames."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np

from crispen.enhance.video.temporal import noise_between
from crispen.errors import InputError
from crispen.look.looking import damage_of
from crispen.media.video.container import open_input, picture_stream, reading
from crispen.media.video.pixel_formats import source_format
from crispen.models.dials import Dials, noise_dial

# Positions of the measured frames in the clip, and how many there are in a row.
_SHARES = (0.1, 0.4, 0.7)
_IN_A_ROW = 3
# Less noise than this is not told from what a codec leaves, and is none.
_LEAST_NOISE = 1.0


def damage_in_clip(path: Path) -> Dials:
    """The median of a few places, ignoring blur; unknown if none can be read.

    Noise is what differs between frames in a row; see `noise_between`. It is unknown in formats
    whose frames `temporally_denoised` leaves as they are.

    Args:
        path: A video file.
    """
    compression, noise = [], []
    try:
        with reading(path), open_input(path) as container:
            stream = picture_stream(container, path)
            start, length = container.start_time or 0, container.duration
            for share in _SHARES if length else (0.0,):
                if length:
                    container.seek(start + int(length * share))
                frames = list(islice(container.decode(stream), _IN_A_ROW))
                if not frames:
                    continue
                pixels = np.asarray(frames[0].to_ndarray(format="rgb24"), np.uint8)
                compression.append(damage_of(pixels, lossy=True).compression or 0.0)
                size = frames[0].width, frames[0].height
                lumas = [
                    frame.to_ndarray(format="gray").astype(np.float32)
                    for frame in frames
                    if (frame.width, frame.height) == size
                ]
                # What cannot be taken off over time is not told either.
                direct = source_format(frames[0].format).direct
                if direct and len(lumas) > 1 and min(lumas[0].shape) > 2:
                    noise.append(noise_between(lumas))
    except InputError:  # decoding the whole clip reports that
        pass
    if not compression:
        return Dials()
    seen = None
    if noise:
        levels = float(np.median(noise))
        seen = noise_dial(levels) if levels >= _LEAST_NOISE else 0.0
    return Dials(seen, float(np.median(compression)), 0.0).rounded()
