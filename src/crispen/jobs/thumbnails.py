"""Small pictures of sources and results for lists, so that no page loads a whole photo for a card.

These run in the server's helper process, never in the server itself.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crispen.errors import InputError

SIDE_PX = 640
_QUALITY = 80
# The first frame of a video is often black.
_AT_S, _AT_SHARE = 1.0, 0.1


def picture_thumbnail(source: Path, target: Path, max_pixels: int) -> None:
    """A picture as a WebP of `SIDE_PX` pixels at most on each side; its first frame, if it moves.

    Raises:
        InputError: It cannot be read.
        OutputError: The thumbnail cannot be written.
    """
    from crispen.media.image import read_image
    from crispen.media.picture.header import to_8bit

    image = read_image(source, max_pixels=max_pixels)
    _write(to_8bit(image.frame(0)), target, image.metadata.icc)


def video_thumbnail(source: Path, target: Path) -> None:
    """A frame near a video's beginning as a WebP; of source and result it is the same one.

    Raises:
        InputError: It cannot be read.
        OutputError: The thumbnail cannot be written.
    """
    from crispen.media.video.container import Damage, probe, read_frames

    header = probe(source)
    length_s = float(header.frames / header.rate) if header.rate else 0.0
    at_s = min(_AT_S, _AT_SHARE * length_s)
    chosen = None
    for frame in read_frames(source, Damage()):
        if chosen is not None and frame.time is not None and frame.time > at_s + 1e-3:
            break
        chosen = frame
    if chosen is None:
        raise InputError(f"{source}: no frame of it can be decoded")
    pixels = chosen.to_ndarray(format="rgb24")
    _write(np.rot90(pixels, header.rotation // 90), target, None)


def _write(pixels: NDArray[np.uint8], target: Path, icc: bytes | None) -> None:
    import pyvips

    from crispen.media.image import Image, write_image
    from crispen.media.picture.header import Metadata

    whole = pyvips.Image.new_from_array(np.ascontiguousarray(pixels))
    if whole.bands in (2, 4):  # so that it knows alpha, and no hidden colour bleeds
        whole = whole.copy(interpretation="b-w" if whole.bands == 2 else "srgb")
    small = whole.thumbnail_image(SIDE_PX, height=SIDE_PX, size="down").cast("uchar")
    shown = np.ascontiguousarray(small.numpy().reshape(small.height, small.width, small.bands))
    image = Image(shown, metadata=Metadata(icc=icc))
    write_image(image, target, format="webp", quality=_QUALITY, overwrite=True)
