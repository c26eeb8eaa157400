import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crispen.enhance.tiling import spans, window_shape
from crispen.errors import UsageError
from crispen.models.card import ModelCard


@given(length=st.integers(1, 700), halo=st.integers(0, 20), extra=st.integers(1, 90))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_spans_are_of_one_length_and_their_cores_part_the_axis(length, halo, extra):
    window = 2 * halo + extra
    found = spans(length, window, halo)
    assert len({span.stop - span.start for span in found}) == 1
    assert found[0].core_start == 0
    assert found[-1].core_stop == length
    for span, following in itertools.pairwise(found):
        assert span.core_stop == following.core_start
    for span in found:
        assert 0 <= span.start <= span.core_start < span.core_stop <= span.stop <= length
        assert span.stop - span.start <= window
        assert span.start == 0 or span.core_start - span.start >= halo
        assert span.stop == length or span.stop - span.core_stop >= halo


def test_a_window_no_larger_than_its_halos_is_refused():
    with pytest.raises(UsageError, match="--tile"):
        spans(100, 28, 14)


BUDGET = {"memory_bytes": 1 << 30, "engine_bytes_per_px": 400.0}


def card(parameters=112_000, halo=14, scale=2):
    return ModelCard(name="n", parameters=parameters, halo=halo, scale=scale)


@pytest.mark.parametrize("size", [(1, 1), (4000, 1), (1, 4000), (640, 480), (4000, 3000)])
@pytest.mark.parametrize("bytes_per_px", [1, 8])
def test_windows_fit_the_picture(size, bytes_per_px):
    width, height = size
    rows, columns = window_shape(
        width, height, card(), halo=14, bytes_per_px=bytes_per_px, **BUDGET
    )
    assert 1 <= rows <= height
    assert 1 <= columns <= width


@pytest.mark.parametrize("size", [(4000, 3000), (10_000, 10_000), (3000, 30_000)])
def test_overlap_stays_within_five_percent_where_memory_allows(size):
    width, height = size
    rows, columns = window_shape(width, height, card(), halo=14, bytes_per_px=3, **BUDGET)
    down, across = spans(height, rows, 14), spans(width, columns, 14)
    done = sum(s.stop - s.start for s in down) * sum(s.stop - s.start for s in across)
    assert done / (width * height) <= 1.055
    assert rows * columns <= 2_200_000


def test_less_memory_makes_smaller_windows():
    sizes = [
        window_shape(
            9000,
            9000,
            card(),
            halo=14,
            bytes_per_px=3,
            **BUDGET | {"memory_bytes": megabytes << 20},
        )
        for megabytes in (64, 256, 1024)
    ]
    areas = [rows * columns for rows, columns in sizes]
    assert areas == sorted(areas)
    assert areas[0] < areas[2]
    rows, _ = sizes[0]
    assert rows * 9000 * 3 * (2 + 3 * 4) < 64 << 20


def test_a_forced_tile_is_taken_and_checked():
    forced = {"halo": 14, "bytes_per_px": 3, **BUDGET}
    assert window_shape(1000, 40, card(), tile_px=128, **forced) == (40, 128)
    with pytest.raises(UsageError, match="--tile 28"):
        window_shape(1000, 1000, card(), tile_px=28, **forced)
    # Smaller than that is no matter where the picture is smaller still.
    assert window_shape(20, 10, card(), tile_px=28, **forced) == (10, 20)
