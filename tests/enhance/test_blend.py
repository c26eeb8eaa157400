import numpy as np
import pytest

from crispen.enhance.blend import Overlap, blended_frame


def blend(picture, overlap, run, scale=1):
    bands = iter([picture[i : i + 13] for i in range(0, len(picture), 13)])
    done = []
    height, width, _ = picture.shape
    out = np.concatenate(
        list(blended_frame(bands, width, height, scale, overlap, run, done.append))
    )
    assert done
    return out


@pytest.mark.parametrize("overlap", [Overlap(20, 13), Overlap(20, 5, "average")])
@pytest.mark.parametrize("size", [(1, 1), (20, 20), (61, 47), (7, 90)])
def test_a_network_that_does_nothing_changes_nothing(overlap, size):
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    np.testing.assert_array_equal(blend(picture, overlap, lambda tile: tile), picture)


def test_average_is_the_mean_of_all_tiles_that_hold_a_pixel():
    # Four tiles of 4 at a stride of 2 along 10 pixels, the i-th answering 10 · i.
    calls = iter(range(4))
    picture = np.zeros((1, 10, 1), np.uint8)
    out = blend(picture, Overlap(4, 2, "average"), lambda tile: tile + np.uint8(10 * next(calls)))
    assert out[0, :, 0].tolist() == [0, 0, 5, 5, 15, 15, 25, 25, 30, 30]


def test_hundred_by_hundred_at_a_stride_of_25_meets_in_sixteen_answers():
    count = np.zeros((200, 200), int)
    overlap = Overlap(100, 25, "average")
    for top in overlap.starts(200):
        for left in overlap.starts(200):
            count[top : top + 100, left : left + 100] += 1
    assert count.max() == 16
    assert count.min() == 1


def test_cosine_changes_gently_where_tiles_disagree():
    calls = iter([0, 200])
    picture = np.zeros((32, 48, 1), np.uint8)
    out = blend(picture, Overlap(32, 16), lambda tile: tile + np.uint8(next(calls)))
    row = out[5, :, 0].astype(int)
    assert row[0] == 0
    assert row[-1] == 200
    assert np.diff(row).min() >= 0
    assert np.diff(row).max() < 25


def test_scale_and_shape():
    picture = np.random.default_rng(0).integers(0, 256, (50, 33, 3), np.uint8)
    enlarge = lambda tile: tile.repeat(2, 0).repeat(2, 1)  # noqa: E731
    out = blend(picture, Overlap(16, 11), enlarge, scale=2)
    np.testing.assert_array_equal(out, enlarge(picture))
