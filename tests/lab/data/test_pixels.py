"""Crops in all symmetries, from memory and from a stream."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from crispen.lab.data.pixels import PixelSet
from crispen.lab.data.places import Order, Places
from crispen.lab.data.sources import ArraySource, Failures
from crispen.lab.data.stream import PictureStream

CPU = torch.device("cpu")


def numbered(height: int, width: int, start: int = 0) -> np.ndarray:
    """A picture whose every pixel is different, so that a crop tells where it is from."""
    return (np.arange(height * width).reshape(height, width, 1) + start).astype(np.uint8)


def symmetries(patch: np.ndarray) -> list[np.ndarray]:
    turned = [np.rot90(patch, k) for k in range(4)]
    return turned + [np.fliplr(t) for t in turned]


def in_memory(pictures: list[np.ndarray]) -> PixelSet:
    return PixelSet(ArraySource(pictures), pictures[0].shape[2], CPU, failures=Failures())


def order(pictures: list[np.ndarray], size: int, batch: int, seed: int = 3) -> Order:
    return Order(ArraySource(pictures).sizes, range(len(pictures)), size, batch=batch, seed=seed)


def test_crops_are_places_in_one_of_eight_symmetries() -> None:
    pictures = [numbered(9, 11), numbered(12, 8, start=100)]
    crops = in_memory(pictures).crops(order(pictures, 4, 400).places(0), 4)
    assert crops.shape == (400, 1, 4, 4)
    assert crops.dtype == torch.uint8
    places = {
        s.tobytes(): (n, i, j, k)
        for n, p in enumerate(pictures)
        for i in range(p.shape[0] - 3)
        for j in range(p.shape[1] - 3)
        for k, s in enumerate(symmetries(p[i : i + 4, j : j + 4, 0]))
    }
    seen = [places[np.ascontiguousarray(c[0].numpy()).tobytes()] for c in crops]
    assert {k for *_, k in seen} == set(range(8))
    assert {n for n, *_ in seen} == {0, 1}


def test_each_symmetry_is_what_its_bits_say() -> None:
    picture = numbered(3, 3)
    places = Places(*torch.zeros(3, 8, dtype=torch.long), torch.arange(8))
    crops = in_memory([picture]).crops(places, 3)[:, 0].numpy()
    for symmetry, crop in enumerate(crops):
        expected = picture[..., 0]
        if symmetry & 1:
            expected = np.flipud(expected)
        if symmetry & 2:
            expected = np.fliplr(expected)
        if symmetry & 4:
            expected = expected.T
        np.testing.assert_array_equal(crop, expected)


def test_channels_stay_together() -> None:
    picture = np.concatenate([numbered(6, 6), numbered(6, 6) + 50, numbered(6, 6) + 90], axis=2)
    crops = in_memory([picture]).crops(order([picture], 3, 5).places(0), 3).int()
    assert (crops[:, 1] - crops[:, 0] == 50).all()
    assert (crops[:, 2] - crops[:, 0] == 90).all()


@pytest.mark.parametrize("expected", [True, False])
def test_a_stream_gives_the_same_crops(expected: bool) -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (h, w, 3), np.uint8) for h, w in ((9, 14), (11, 8))]
    places = order(pictures, 5, 60).places(0)
    stream = PictureStream(ArraySource(pictures), CPU, workers=2)
    if expected:
        stream.expect(np.array([0]), np.array([1]))
    assert torch.equal(stream.crops(places, 5), in_memory(pictures).crops(places, 5))
    stream.close()


def test_a_stream_holds_what_is_expected_and_no_more() -> None:
    read: list[int] = []

    class Counting(ArraySource):
        def read(self, index: int) -> np.ndarray:
            read.append(index)
            return super().read(index)

    pictures = [numbered(4, 4, start=i) for i in range(4)]
    stream = PictureStream(Counting(pictures), CPU, workers=1)
    zero = torch.zeros(1, dtype=torch.long)
    stream.expect(np.array([0]), np.array([1]))
    stream.expect(np.array([1]), np.array([2]))
    for index in (1, 2, 1):
        stream.crops(Places(zero + index, zero, zero, zero), 4)
    assert read == [0, 1, 2]
    stream.crops(Places(zero, zero, zero, zero), 4)
    stream.close()
    assert read == [0, 1, 2, 0]
