"""swscale's settings for converting frames to and from R'G'B'."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from av.video.reformatter import Interpolation

from crispen.media.video.pixel_formats import FULL_RANGE, STUDIO_RANGE

if TYPE_CHECKING:
    import av
    from av.video.reformatter import VideoReformatter

    from crispen.media.video.header import Color

# swscale's bicubic is Keys' with a = -0.6, widened when shrinking.
BICUBIC = Interpolation.BICUBIC | Interpolation.ACCURATE_RND
# To and from R'G'B'. Without the last two, or with only one of them, swscale takes shortcuts that
# truncate fractions: a round trip loses one to two levels of luma.
EXACT_COLORS = (
    BICUBIC
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.ACCURATE_RND
)
_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}


def sws_matrix(matrix: int) -> int:
    """The swscale number of a matrix of H.273; BT.601's if it has none."""
    return _MATRICES.get(matrix, 5)


def as_rgb(frame: av.VideoFrame, color: Color, shaper: VideoReformatter) -> av.VideoFrame:
    """A Y'CbCr frame as 8-bit R'G'B'.

    Args:
        frame: The frame.
        color: What its samples mean, whatever its own tags say.
        shaper: Converts it; reuses its setup for the next frame.
    """
    ranges: dict[str, Any] = {
        "src_colorspace": sws_matrix(color.matrix),
        "dst_colorspace": sws_matrix(color.matrix),
        "src_color_range": FULL_RANGE if color.range == FULL_RANGE else STUDIO_RANGE,
        "dst_color_range": FULL_RANGE,
    }
    return shaper.reformat(frame, format="rgb24", interpolation=EXACT_COLORS, threads=1, **ranges)
