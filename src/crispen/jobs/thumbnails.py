"""Small pictures of sources and results for lists, so that no page loads a whole photo for a card.

These run in the server's helper process, never in the server itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crispen.errors import InputError
from crispen.media.video.span import Span

if TYPE_CHECKING:
    from crispen.media.video.box import Box

SIDE_PX = 640
_QUALITY = 80
# The first frame of a video is often black.
_AT_S, _AT_SHARE = 1.0, 0.1


def picture_thumbnail(source: Path, target: Path, max_pixels: int) -> None:
    """A picture as a WebP of `SIDE_PX` pixels at most on each side; the first frame if animated.

    Raises:
        InputError: It cannot be read.
        OutputError: The thumbnail cannot be written.
    """
    from crispen.media.image import read_image
    from crispen.media.picture.header import to_8bit

    image = read_image(source, max_pixels=max_pixels)
    _write(to_8bit(image.frame(0)), target, image.metadata.icc)


def video_thumbnail(
    source: Path, target: Path, span: Span | None = None, box: Box | None = None
) -> None:
    """A frame near a video's beginning as a WebP; of source and result it is the same one.

    Args:
        source: The video.
        target: The file to write.
        span: The requested part; all of it by default.
        box: The rectangle of it that is shown; all of it unless given.

    Raises:
        InputError: It cannot be read.
        OutputError: The thumbnail cannot be written.
    """
    from crispen.enhance.video.part import about_frames
    from crispen.jobs.previews import frames_of_part
    from crispen.media.video.animation import as_video
    from crispen.media.video.container import probe
    from crispen.media.video.crop import cropped

    with as_video(source) as clip:
        header = probe(clip)
        span = span or Span()
        frames = about_frames(header, span.moved(header.origin))
        at_s = min(_AT_S, _AT_SHARE * float(frames / header.rate)) if header.rate else 0.0
        stored = None if box is None else box.stored(header)
        chosen = None
        for frame in cropped(frames_of_part(clip, header, span), stored, header):
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
