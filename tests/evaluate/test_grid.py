"""Many small pictures as one."""

from __future__ import annotations

import numpy as np

from crispen.evaluate.grid import GAP_PX, make_grid


def test_pictures_stand_in_rows_and_columns() -> None:
    cells = [
        [("", np.full((10, 20, 3), 10 * (3 * row + column), np.uint8)) for column in range(3)]
        for row in range(2)
    ]
    grid = make_grid(cells)
    assert grid.shape[1] == 3 * 20 + 4 * GAP_PX
    for row in range(2):
        for column in range(3):
            shade = 10 * (3 * row + column)
            rows, columns = np.nonzero((grid == shade).all(axis=2))
            assert len(rows) == 200
            assert columns.min() == GAP_PX + column * (20 + GAP_PX)


def test_a_label_may_be_as_long_as_its_row() -> None:
    cell = np.zeros((8, 60, 3), np.uint8)
    long = make_grid([[("a long label for a row", cell), ("", cell), ("", cell)]])
    short = make_grid([[("a long label for a row", cell), ("b", cell), ("", cell)]])
    assert long.shape == short.shape
    dark = [int((grid[:20] < 128).sum()) for grid in (long, short)]
    assert dark[0] > dark[1]
