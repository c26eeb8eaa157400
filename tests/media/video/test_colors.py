"""Y'CbCr as R'G'B', against the formulas of H.273."""

from __future__ import annotations

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter

from crispen.media.video.colors import as_rgb, sws_matrix
from crispen.media.video.header import Color
from crispen.media.video.pixel_formats import FULL_RANGE, STUDIO_RANGE, packed, plane

# Of red and of blue, by matrix.
WEIGHTS = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("matrix", WEIGHTS)
@pytest.mark.parametrize("levels", [(126, 128, 128), (100, 110, 170), (180, 140, 100)])
def test_a_frame_has_the_colours_that_its_matrix_means(
    levels: tuple[int, int, int], matrix: int, full: bool
) -> None:
    frame = av.VideoFrame(32, 16, "yuv444p")
    for index, level in enumerate(levels):
        plane(frame, index, np.dtype(np.uint8))[:] = level
    y, cb, cr = (
        (levels[0] / 255, *((c - 128) / 255 for c in levels[1:]))
        if full
        else ((levels[0] - 16) / 219, *((c - 128) / 224 for c in levels[1:]))
    )
    red, blue = WEIGHTS[matrix]
    r, b = y + 2 * (1 - red) * cr, y + 2 * (1 - blue) * cb
    g = (y - red * r - blue * b) / (1 - red - blue)
    color = Color(matrix, matrix, matrix, FULL_RANGE if full else STUDIO_RANGE)
    made = packed(as_rgb(frame, color, VideoReformatter()), np.dtype(np.uint8))
    assert np.abs(made - 255 * np.array([r, g, b])).max() <= 1


def test_unknown_matrices_are_those_of_small_clips() -> None:
    assert sws_matrix(2) == sws_matrix(6) == 5
