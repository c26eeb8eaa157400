"""Crops, symmetries and degradations on the training device."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from crispen.errors import InputError, MissingInput
from crispen.lab.data.pixels import PixelSet, load_folder
from crispen.lab.degradations.bicubic import BicubicDown
from crispen.media.color import BT601_STUDIO
from crispen.media.image import Image, write_image
from crispen.media.resample import downscale


def numbered(height: int, width: int, start: int = 0) -> np.ndarray:
    """A picture whose every pixel is different, so that a crop tells where it is from."""
    return (np.arange(height * width).reshape(height, width, 1) + start).astype(np.uint8)


def symmetries(patch: np.ndarray) -> list[np.ndarray]:
    turned = [np.rot90(patch, k) for k in range(4)]
    return turned + [np.fliplr(t) for t in turned]


def test_crops_are_places_in_one_of_eight_symmetries() -> None:
    pictures = [numbered(9, 11), numbered(12, 8, start=100)]
    crops = PixelSet(pictures).crops(400, 4, torch.Generator().manual_seed(3))
    assert crops.shape == (400, 1, 4, 4)
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


def test_channels_stay_together() -> None:
    picture = np.concatenate([numbered(6, 6), numbered(6, 6) + 50, numbered(6, 6) + 90], axis=2)
    crops = PixelSet([picture]).crops(5, 3, torch.Generator().manual_seed(0)).int()
    assert (crops[:, 1] - crops[:, 0] == 50).all()
    assert (crops[:, 2] - crops[:, 0] == 90).all()


def test_same_generator_same_crops() -> None:
    pixels = PixelSet([numbered(20, 12)])
    a = pixels.crops(8, 5, torch.Generator().manual_seed(7))
    b = pixels.crops(8, 5, torch.Generator().manual_seed(7))
    c = pixels.crops(8, 5, torch.Generator().manual_seed(8))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_of_a_crop_equals_that_of_the_picture(scale: int) -> None:
    rng = np.random.default_rng(scale)
    size = 6
    down = BicubicDown(scale, size)
    picture = rng.integers(0, 256, (down.crop + 8 * scale, down.crop + 8 * scale), np.uint8)
    whole = downscale(picture, scale)  # equals MATLAB, see tests/media/test_resample.py
    offset = 3 * scale
    crop = picture[offset : offset + down.crop, offset : offset + down.crop]
    lr, hr = down(torch.from_numpy(crop)[None, None].float())
    at = 3 + down.rim
    np.testing.assert_array_equal(lr[0, 0].numpy(), whole[at : at + size, at : at + size])
    edge = down.rim * scale
    np.testing.assert_array_equal(hr[0, 0].numpy(), crop[edge:-edge, edge:-edge])


def test_folder(tmp_path: Path) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    write_image(Image(rgb), tmp_path / "a.png")
    write_image(Image(rgb[:5, :5]), tmp_path / "small.png")
    pixels = load_folder(tmp_path, "luma", smallest=8)
    assert pixels.sizes.tolist() == [[20, 30]]
    expected = np.round(BT601_STUDIO.luma(rgb / 255.0) * 255.0)
    np.testing.assert_allclose(pixels.planes[0].numpy().reshape(20, 30), expected, atol=1)
    assert load_folder(tmp_path, "rgb").planes.shape == (3, 20 * 30 + 25)


def test_folder_errors(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="no such folder"):
        load_folder(tmp_path / "nowhere", "luma")
    with pytest.raises(InputError, match="no picture"):
        load_folder(tmp_path, "luma")
