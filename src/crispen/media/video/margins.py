"""Cuts off the margins of frames that a Matroska file tells players to hide.

FFmpeg's libraries decode whole frames and leave the elements PixelCropTop and so on [1]_ to
programs; PyAV does not show them.

.. [1] RFC 9559, 5.1.4.1.28.8 to 5.1.4.1.28.11
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from crispen.media.video.filtering import FilterChain
from crispen.media.video.matroska import Margins, margins_of

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream


def trimmed(
    frames: Iterator[av.VideoFrame], container: InputContainer, stream: VideoStream
) -> Iterator[av.VideoFrame]:
    """Frames as players show them.

    Args:
        frames: Of the stream, as decoded.
        container: The open file.
        stream: Its picture.
    """
    margins = None
    if "matroska" in container.format.name:
        margins = margins_of(Path(container.name), stream.index)
    if margins is None:
        yield from frames
        return
    chains: dict[tuple[int, int, str], FilterChain] = {}
    for frame in frames:
        yield _trimmed(frame, margins, chains)


def _trimmed(
    frame: av.VideoFrame, margins: Margins, chains: dict[tuple[int, int, str], FilterChain]
) -> av.VideoFrame:
    width = frame.width - margins.left - margins.right
    height = frame.height - margins.top - margins.bottom
    if min(width, height) < 1:  # the stream has smaller frames, too
        return frame
    form = (frame.width, frame.height, frame.format.name)
    if form not in chains:
        # A copy, since the rows of a view are not contiguous.
        crop = f"crop={width}:{height}:{margins.left}:{margins.top}:exact=1,copy"
        chains[form] = FilterChain(frame, crop)
    (part,) = chains[form].pushed(frame)
    part.pts, part.time_base, part.duration = frame.pts, frame.time_base, frame.duration
    return part
