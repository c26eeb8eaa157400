"""Pictures of a set: colour, size, depth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from skimage.color import rgb2ycbcr, rgb2yuv

from crispen.lab.data import FolderTable, open_batches
from crispen.lab.data.sources import square, to_color
from crispen.media.image import Image, write_image

Save = Callable[..., Path]


def table(path: Path, **changes: Any) -> FolderTable:
    return FolderTable(
        **{"path": str(path), "patch": 8, "batch": 4, "color": "rgb", "valid_share": 0} | changes
    )


def test_colour_is_that_of_other_libraries() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    # scikit-image follows MATLAB for YCbCr; its YUV is in [0, 1].
    luma = rgb2ycbcr(rgb)[..., 0]
    np.testing.assert_allclose(to_color(rgb, "luma")[..., 0], luma, atol=0.51)
    yuv = rgb2yuv(rgb)[..., 0] * 255
    np.testing.assert_allclose(to_color(rgb, "yuv")[..., 0], yuv, atol=0.51)
    assert to_color(rgb, "rgb") is rgb


def test_a_square_is_the_middle() -> None:
    rgb = np.arange(6 * 9 * 3, dtype=np.uint8).reshape(6, 9, 3)
    np.testing.assert_array_equal(square(rgb, 4), rgb[1:5, 2:6])
    np.testing.assert_array_equal(square(rgb, 6), rgb[:, 1:7])


def test_a_small_picture_is_enlarged_before_its_middle_is_cut_out() -> None:
    rgb = np.zeros((45, 60, 3), np.uint8)
    rgb[10:30, 20:40] = 200
    keys = PIL.Image.fromarray(rgb).resize((120, 90), PIL.Image.Resampling.BICUBIC)
    np.testing.assert_allclose(square(rgb, 90).astype(int), np.asarray(keys)[:, 15:105], atol=1)


@pytest.mark.parametrize("side", [360, 359])
@pytest.mark.parametrize("size", [(100, 333), (361, 500), (360, 360), (1, 7)])
def test_every_picture_can_become_a_square(side: int, size: tuple[int, int]) -> None:
    assert square(np.zeros((*size, 3), np.uint8), side).shape == (side, side, 3)


def test_resize(save: Save, tmp_path: Path) -> None:
    save("large.png", 50, 70)
    save("small.png", 20, 30)
    batches = open_batches(table(tmp_path, resize=40, patch=40, stride=40), seed=0)
    assert batches.samples == 2
    assert batches.batch(0, 40).target.shape == (4, 3, 40, 40)


def test_sixteen_bit_grey_and_alpha_are_read_as_eight_bit_colour(tmp_path: Path) -> None:
    grey = np.full((9, 9, 1), 128 * 257, np.uint16)
    write_image(Image(grey), tmp_path / "a.png")
    batches = open_batches(table(tmp_path), seed=0)
    assert (batches.batch(0, 8).target == 128).all()
