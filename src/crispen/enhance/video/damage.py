"""How compressed and noisy a clip is, as its frames show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from crispen.errors import InputError
from crispen.look.looking import damage_of
from crispen.media.video.container import open_input, picture_stream, reading
from crispen.models.dials import Dials

# Where in the clip a frame is looked at.
_SHARES = (0.1, 0.4, 0.7)


def damage_in_clip(path: Path) -> Dials:
    """The median of a few frames, in which nothing is taken for blur; unknown if none can be read.

    Args:
        path: A video file.
    """
    found = []
    for share in _SHARES:
        try:
            pixels = _frame(path, share)
        except InputError:  # reading all of it reports that
            continue
        if pixels is not None:
            found.append(damage_of(pixels, lossy=True).values)
    if not found:
        return Dials()
    noise, compression, _ = np.median(np.array(found, float), axis=0).tolist()
    return Dials(noise, compression, 0.0).rounded()


def _frame(path: Path, share: float) -> Any:
    with reading(path), open_input(path) as container:
        stream = picture_stream(container, path)
        if container.duration:
            container.seek(int(container.duration * share) + (container.start_time or 0))
        frame = next(container.decode(stream), None)
        return None if frame is None else frame.to_ndarray(format="rgb24")
