"""Hashes against SciPy's DCT, means against NumPy's, and what both survive."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray
from scipy.fft import dctn

from crispen.lab.curation.fingerprints import (
    CELLS,
    Square,
    Sums,
    bits_between,
    correlation,
    hashes,
    thumbnail,
)

Bytes = NDArray[np.uint8]
Photos = dict[str, Bytes]


def mark(rgb: Bytes) -> np.uint64:
    return hashes(Sums(thumbnail(rgb)).whole(CELLS)[None])[0]


def test_the_hash_is_that_of_the_lowest_frequencies() -> None:
    means = np.random.default_rng(0).uniform(0, 255, (3, 32, 32))
    for found, one in zip(hashes(means), means, strict=True):
        low = dctn(one, type=2)[:8, :8].ravel()
        bits = np.unpackbits(np.array([found]).view(np.uint8)).astype(bool)
        assert np.array_equal(bits, low > np.median(low[1:]))


def test_bits_between_are_counted() -> None:
    one, other = np.array([0b1011, 0], np.uint64), np.array([0b0010, 2**64 - 1], np.uint64)
    assert bits_between(one, other).tolist() == [[2, 61], [1, 64]]


def test_means_are_those_of_the_pixels() -> None:
    luma = np.random.default_rng(1).integers(0, 256, (60, 90), np.uint8)
    sums = Sums(luma)
    part = sums.square(Square(10, 20, 40), 8)
    assert part == pytest.approx(luma[10:50, 20:60].reshape(8, 5, 8, 5).mean(axis=(1, 3)))
    # Half pixels count half.
    (half,) = sums.square(Square(0.5, 0, 1), 1)
    assert half[0] == pytest.approx(luma[0, 0] / 2 + luma[1, 0] / 2)
    assert sums.whole(1)[0, 0] == pytest.approx(luma.mean())


def test_squares_cover_the_picture_and_stay_inside() -> None:
    sums = Sums(np.zeros((100, 150), np.uint8))
    found, means = sums.squares(0.5, 0.5)
    assert means.shape == (len(found), 32, 32)
    assert {s.side for s in found} == {50}
    assert sorted({s.top for s in found}) == [0, 25, 50]
    assert sorted({s.left for s in found}) == [0, 25, 50, 75, 100]


@pytest.mark.parametrize(("shape", "expected"), [((640, 320), (320, 160)), ((5000, 3), (1666, 1))])
def test_a_thumbnail_is_shrunk_by_a_whole_factor(
    shape: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert thumbnail(np.zeros((*shape, 3), np.uint8)).shape == expected


def test_scaling_and_jpeg_change_few_bits_and_other_pictures_many(photos: Photos) -> None:
    rgb = photos["astronaut"]
    file = io.BytesIO()
    PIL.Image.fromarray(rgb).resize((200, 200)).save(file, "jpeg", quality=30)
    with PIL.Image.open(file) as copy:
        marks = np.array([mark(rgb), mark(np.asarray(copy)), mark(photos["cat"])])
    near, far = bits_between(marks[:1], marks[1:])[0].tolist()
    assert near <= 4
    assert far >= 20


def test_correlation_of_a_flat_one_is_zero() -> None:
    ramp = np.arange(16.0).reshape(4, 4)
    assert correlation(ramp, 3 * ramp + 5) == pytest.approx(1)
    assert correlation(ramp, -ramp) == pytest.approx(-1)
    assert correlation(ramp, np.ones((4, 4))) == 0
