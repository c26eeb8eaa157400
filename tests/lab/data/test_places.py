"""Places are within their pictures, depend on seed, rank and step alone, and miss nothing."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crispen.lab.data.places import Grid, Order, Places, fixed_places

EXAMPLES = settings(max_examples=40, deadline=None, derandomize=True)
SIDES = st.integers(1, 40)
SIZES = st.lists(st.tuples(SIDES, SIDES), min_size=1, max_size=7)


def table(sizes: list[tuple[int, int]]) -> np.ndarray:
    return np.array(sizes, np.int64).reshape(-1, 2)


def corners(places: Places) -> list[tuple[int, int, int]]:
    return list(
        zip(places.which.tolist(), places.row.tolist(), places.column.tolist(), strict=True)
    )


def same(a: Places, b: Places) -> bool:
    return all(
        torch.equal(getattr(a, name), getattr(b, name))
        for name in ("which", "row", "column", "symmetry")
    )


@EXAMPLES
@given(SIZES, st.integers(1, 12), st.integers(0, 9), st.integers(0, 50), st.integers(1, 3000))
def test_crops_lie_in_their_pictures(
    sizes: list[tuple[int, int]], size: int, stride: int, step: int, window_px: int
) -> None:
    fitting = [min(s) >= size for s in sizes]
    if not any(fitting):
        sizes = [*sizes, (size, size)]
        fitting.append(True)
    order = Order(
        table(sizes),
        range(len(sizes)),
        size,
        stride=stride,
        batch=5,
        seed=1,
        window_px=window_px,
    )
    places = order.places(step)
    assert len(places) == 5
    for which, row, column in corners(places):
        assert fitting[which]
        assert 0 <= row <= sizes[which][0] - size
        assert 0 <= column <= sizes[which][1] - size
        if stride:
            assert row % stride == column % stride == 0
    assert set(places.symmetry.tolist()) <= set(range(8))


@EXAMPLES
@given(SIZES, st.integers(0, 4), st.integers(1, 3), st.integers(0, 99), st.integers(1, 2000))
def test_a_step_depends_on_seed_rank_and_step_alone(
    sizes: list[tuple[int, int]], stride: int, world: int, step: int, window_px: int
) -> None:
    def order(seed: int, rank: int) -> Order:
        return Order(
            table(sizes),
            range(len(sizes)),
            1,
            stride=stride,
            batch=8,
            seed=seed,
            rank=rank,
            world=world,
            window_px=window_px,
        )

    fresh, used = order(7, world - 1), order(7, world - 1)
    for earlier in (step + 3, 0, step):
        used.places(earlier)
    assert same(fresh.places(step), used.places(step))


@pytest.mark.parametrize("stride", [0, 2])
def test_seed_rank_and_step_each_matter(stride: int) -> None:
    def places(seed: int, rank: int, step: int) -> Places:
        order = Order(
            table([(64, 64)]), [0], 8, stride=stride, batch=16, seed=seed, rank=rank, world=2
        )
        return order.places(step)

    first = places(0, 0, 0)
    assert not same(first, places(1, 0, 0))
    assert not same(first, places(0, 1, 0))
    assert not same(first, places(0, 0, 1))


@pytest.mark.parametrize("window_px", [1 << 40, 900, 300])
@pytest.mark.parametrize("world", [1, 2])
def test_a_grid_is_gone_through_once_a_pass(window_px: int, world: int) -> None:
    # By hand: 24x20 with crops of 8 every 4 px gives 5x4 places, 16x8 gives 3x1, 7x30 none.
    sizes, batch = table([(24, 20), (16, 8), (7, 30), (8, 8)]), 4
    orders = [
        Order(
            sizes,
            [0, 1, 2, 3],
            8,
            stride=4,
            batch=batch,
            seed=0,
            rank=rank,
            world=world,
            window_px=window_px,
        )
        for rank in range(world)
    ]
    assert len(orders[0].all) == 5 * 4 + 3 + 1
    steps = 24 // (batch * world)
    passes = []
    for turn in range(2):
        seen: Counter[tuple[int, int, int]] = Counter()
        for step in range(turn * steps, (turn + 1) * steps):
            for order in orders:
                seen.update(corners(order.places(step)))
        assert seen == Counter(
            [(0, r, c) for r in range(0, 17, 4) for c in range(0, 13, 4)]
            + [(1, r, 0) for r in (0, 4, 8)]
            + [(3, 0, 0)]
        )
        passes.append(list(seen))
    assert passes[0] != passes[1]


def test_random_places_are_equally_likely() -> None:
    # By hand: 9 places in the first picture, 3 in the second.
    order = Order(table([(4, 4), (2, 4)]), [0, 1], 2, batch=12_000, seed=0)
    seen = Counter(corners(order.places(0)))
    assert len(seen) == 12
    # 1000 each with a standard deviation of 30.
    assert all(850 < count < 1150 for count in seen.values())


@pytest.mark.parametrize("stride", [0, 8])
def test_windows_are_read_before_they_are_used(stride: int) -> None:
    sizes, window_px = table([(16 + i % 5, 20) for i in range(40)]), 1900
    order = Order(sizes, range(40), 8, stride=stride, batch=3, seed=2, window_px=5 * 18 * 20)
    seen: set[int] = set()
    before: set[int] = set()
    for step in range(2 * 40 * 18 * 20 // (64 * 3)):
        now, later = (set(pictures.tolist()) for pictures in order.near(step))
        used = set(order.places(step).which.tolist())
        assert used <= now | later
        if step:
            # Nothing is needed that was not being read a step ago.
            assert now <= before
        before = now | later
        seen |= used
        for window in order.near(step):
            assert sizes[window].prod(axis=1).sum() <= window_px
    assert seen == set(range(40))


def test_ranks_read_pictures_of_their_own() -> None:
    sizes = table([(20, 20)] * 30)
    near = [
        Order(sizes, range(30), 5, batch=2, seed=0, rank=r, world=3, window_px=1200).near(0)[0]
        for r in range(3)
    ]
    assert all(len(pictures) == 3 for pictures in near)
    assert len(set(np.concatenate(near).tolist())) == 9


def test_no_symmetries_means_upright() -> None:
    order = Order(table([(9, 9)]), [0], 3, batch=50, seed=0, symmetries=False)
    assert not order.places(0).symmetry.any()


@EXAMPLES
@given(SIZES, st.integers(1, 8), st.integers(1, 20))
def test_fixed_places_begin_in_the_middle(
    sizes: list[tuple[int, int]], size: int, count: int
) -> None:
    sizes = [*sizes, (size + 3, size)]
    grid = Grid(table(sizes), np.arange(len(sizes)), size)
    places = fixed_places(grid, count, size, table(sizes), seed=4)
    assert same(places, fixed_places(grid, count, size, table(sizes), seed=4))
    assert not places.symmetry.any()
    found = corners(places)
    first = found[: len(grid.pictures)]
    assert len({which for which, _, _ in first}) == len(first)
    for which, row, column in first:
        assert (row, column) == ((sizes[which][0] - size) // 2, (sizes[which][1] - size) // 2)
    for which, row, column in found:
        assert 0 <= row <= sizes[which][0] - size
        assert 0 <= column <= sizes[which][1] - size


def test_places_scale_with_their_pictures() -> None:
    places = Places(*torch.tensor([[0], [3], [5], [6]])).times(4)
    assert corners(places) == [(0, 12, 20)]
    assert places.symmetry.tolist() == [6]
