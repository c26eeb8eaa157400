"""How compressed and noisy a clip is, measured in its frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from crispen.errors import InputError
from crispen.look.looking import damage_of
from crispen.media.video.container import open_input, picture_stream, reading
from crispen.models.dials import Dials

# Positions of the measured frames in the clip.
_SHARES = (0.1, 0.4, 0.7)


def damage_in_clip(path: Path) -> Dials:
    """The median of a few frames, ignoring blur; unknown if none can be read.

    Args:
        path: A video file.
    """
    found = []
    try:
        with reading(path), open_input(path) as container:
            stream = picture_stream(container, path)
            start, length = container.start_time or 0, container.duration
            for share in _SHARES if length else (0.0,):
                if length:
                    container.seek(start + int(length * share))
                frame = next(container.decode(stream), None)
                if frame is not None:
                    pixels = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
                    found.append(damage_of(pixels, lossy=True).values)
    except InputError:  # decoding the whole clip reports that
        pass
    if not found:
        return Dials()
    noise, compression, _ = np.median(np.array(found, float), axis=0).tolist()
    return Dials(noise, compression, 0.0).rounded()
