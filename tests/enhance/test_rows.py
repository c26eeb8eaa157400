"""Rows out of a stream of bands of any height."""

from __future__ import annotations

import numpy as np
import pytest

from crispen.enhance.rows import Rows, frame_of
from crispen.errors import InputError

PICTURE = np.arange(20 * 3 * 1, dtype=np.uint8).reshape(20, 3, 1)


def bands(*heights: int):
    top = 0
    for height in heights:
        yield PICTURE[top : top + height]
        top += height


@pytest.mark.parametrize("heights", [(20,), (1,) * 20, (7, 2, 11), (3, 17)])
def test_a_sliding_window_equals_slices(heights: tuple[int, ...]) -> None:
    rows = Rows(bands(*heights))
    for start, stop in ((0, 4), (2, 9), (8, 9), (8, 20)):
        assert np.array_equal(rows.take(start, stop), PICTURE[start:stop])


def test_rows_above_the_window_are_given_back() -> None:
    rows = Rows(bands(*(1,) * 20))
    rows.take(0, 10)
    rows.take(8, 12)
    assert sum(len(band) for band in rows._held) == 4


def test_a_stream_that_ends_early_is_reported() -> None:
    with pytest.raises(InputError, match="ends before its last row"):
        Rows(bands(5, 5)).take(0, 11)


def test_a_frame_ends_with_its_last_row() -> None:
    stream = bands(4, 4, 4, 4)
    first = np.concatenate(list(frame_of(stream, 8)))
    second = np.concatenate(list(frame_of(stream, 8)))
    assert np.array_equal(first, PICTURE[:8])
    assert np.array_equal(second, PICTURE[8:16])
