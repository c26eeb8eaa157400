"""Crops each frame to a rectangle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crispen.media.video.box import Box
from crispen.media.video.filtering import FilterChain
from crispen.media.video.header import VideoHeader

if TYPE_CHECKING:
    import av


def cropped(
    frames: Iterator[av.VideoFrame], box: Box | None, header: VideoHeader
) -> Iterator[av.VideoFrame]:
    """Each frame cropped to a rectangle.

    Args:
        frames: All of one clip; those of another size are resized to the first one's.
        box: As stored; the whole frame if None.
        header: The clip's.
    """
    if box is None:
        yield from frames
        return
    chains: dict[str, FilterChain] = {}
    for frame in frames:
        whole = frame
        if (frame.width, frame.height) != (header.width, header.height):
            whole = frame.reformat(header.width, header.height)
            whole.pts, whole.time_base = frame.pts, frame.time_base
        name = whole.format.name
        if name not in chains:
            # A copy, since the rows of a view are not contiguous.
            chains[name] = FilterChain(whole, f"crop={box}:exact=1,copy")
        (part,) = chains[name].pushed(whole)
        part.pts, part.time_base, part.duration = frame.pts, frame.time_base, frame.duration
        yield part
