"""Sums over squares, compared with those of slices."""

import numpy as np
import pytest

from crispen.enhance.box_sums import box_sums, moving_sums


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 9, 12])
def test_moving_sums(count):
    x = np.random.default_rng(0).integers(0, 99, (12, 4))
    expected = [x[i : i + count].sum(0) for i in range(13 - count)]
    assert np.array_equal(moving_sums(x, count), expected)


@pytest.mark.parametrize("radius", [0, 1, 4, 20])
@pytest.mark.parametrize("shape", [(9, 7), (1, 1), (6, 5, 3)])
def test_box_sums(radius, shape):
    x = np.random.default_rng(0).integers(0, 99, shape, np.int32)
    sums = box_sums(x, radius)
    assert sums.dtype == x.dtype
    for row, column in np.ndindex(shape[:2]):
        top, left = max(0, row - radius), max(0, column - radius)
        square = x[top : row + radius + 1, left : column + radius + 1]
        assert np.array_equal(sums[row, column], square.sum((0, 1)))
