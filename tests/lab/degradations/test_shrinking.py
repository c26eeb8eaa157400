"""Shrinking against Pillow, scikit-image, SciPy and the MATLAB-equal code of `media.resample`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage, signal
from skimage import data
from skimage.transform import downscale_local_mean
from torch import Generator, Tensor

from crispen.lab.degradations import Bicubic, Pipeline, Pixelate, degrade
from crispen.lab.degradations.resampling import axis_taps
from crispen.media.resample import downscale

KERNELS = {
    "area": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_is_matlabs_to_the_last_level(
    run: Any, levels: NDArray[np.uint8], scale: int
) -> None:
    np.testing.assert_array_equal(run(f"bicubic={scale}") * 255, downscale(levels, scale))


def test_bicubic_of_a_large_picture_is_matlabs(generator: Generator) -> None:
    wide = np.tile(data.astronaut()[:64, :480], (1, 2, 1))
    x = torch.from_numpy(wide / np.float32(255)).permute(2, 0, 1)[None]
    y = degrade(x, [Bicubic(factor=3)], generator, 3)[0].permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(np.rint(y * 255), downscale(wide, 3))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_pipeline_shrinks_as_matlab_unless_told_otherwise(
    levels: NDArray[np.uint8], photo: Tensor, generator: Generator, scale: int
) -> None:
    pipeline = Pipeline([], scale=scale, patch=12)
    # Two pixels of LR on each side, as the kernel reaches.
    assert pipeline.crop == scale * 16
    top = 3 * scale
    crop = photo[..., top : top + pipeline.crop, : pipeline.crop]
    pair = pipeline(crop, generator)
    lr, hr = pair.input, pair.target
    whole = downscale(levels, scale)
    np.testing.assert_array_equal(lr[0].permute(1, 2, 0).numpy() * 255, whole[3 + 2 : 3 + 14, 2:14])
    assert torch.equal(hr, crop[..., 2 * scale : 14 * scale, 2 * scale : 14 * scale])


@pytest.mark.parametrize("method", KERNELS)
def test_resize_is_pillows(run: Any, levels: NDArray[np.uint8], method: str) -> None:
    even = levels[:88, :100]
    x = torch.from_numpy(even / np.float32(255)).permute(2, 0, 1)[None]
    expected = Image.fromarray(even).resize((25, 22), KERNELS[method])
    ours = run(f"resize={method}:factor=4", x) * 255
    # Pillow rounds to whole levels after each axis, and does not repeat the edge's pixels.
    np.testing.assert_allclose(ours[3:-3, 3:-3], np.asarray(expected)[3:-3, 3:-3], atol=1.5)


def test_area_counts_parts_of_pixels() -> None:
    cv2 = pytest.importorskip("cv2")
    for n_in, n_out in ((89, 22), (102, 26), (7, 7)):
        matrix = cv2.resize(np.eye(n_in), (n_in, n_out), interpolation=cv2.INTER_AREA)
        np.testing.assert_allclose(axis_taps(n_in, n_out, "area").matrix(n_in), matrix, atol=1e-5)


def test_resize_nearest_takes_a_pixel_of_each_cell(run: Any, levels: NDArray[np.uint8]) -> None:
    x = torch.from_numpy(levels[:87, :99] / np.float32(255)).permute(2, 0, 1)[None]
    np.testing.assert_allclose(
        run("resize=nearest:factor=3", x) * 255, levels[1:87:3, 1:99:3], atol=1e-3
    )


@pytest.mark.parametrize("factor", [1, 3])
def test_decimation_is_scipys_blur_at_the_centre_of_each_cell(
    run: Any, levels: NDArray[np.uint8], factor: int
) -> None:
    blurred = ndimage.gaussian_filter(
        levels[:87, :99] / 255, sigma=1.6, radius=8, axes=(0, 1), mode="nearest"
    )
    x = torch.from_numpy(levels[:87, :99] / np.float32(255)).permute(2, 0, 1)[None]
    # Cut off at 3 σ (5 pixels) and not at 5 σ.
    np.testing.assert_allclose(
        run(f"decimate={factor}:sigma=1.6", x),
        blurred[factor // 2 :: factor, factor // 2 :: factor],
        atol=0.004,
    )


def test_decimation_at_the_corner_is_the_classic_slice(run: Any, levels: NDArray[np.uint8]) -> None:
    blurred = ndimage.gaussian_filter(
        levels / 255, sigma=1.2, radius=8, axes=(0, 1), mode="nearest"
    )
    np.testing.assert_allclose(
        run("decimate=2:sigma=1.2,phase=corner"), blurred[::2, ::2], atol=0.005
    )


def test_decimation_by_two_without_blur_is_the_mean(run: Any, levels: NDArray[np.uint8]) -> None:
    # The centre of a cell of 2×2 lies between its pixels.
    x = torch.from_numpy(levels[:88] / np.float32(255)).permute(2, 0, 1)[None]
    expected = downscale_local_mean(levels[:88] / 255, (2, 2, 1))
    np.testing.assert_allclose(run("decimate=2:sigma=0", x), expected, atol=1e-6)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_chebyshev_is_scipys_decimate(run: Any, factor: int) -> None:
    pixels = np.random.default_rng(0).random((30 * factor * 12, 24 * factor * 12))
    expected = signal.decimate(signal.decimate(pixels, factor, axis=0), factor, axis=1)
    ours = run(f"chebyshev={factor}", torch.from_numpy(pixels[None, None].astype(np.float32)))[
        ..., 0
    ]
    # SciPy mirrors the picture at its edges, where we repeat the last pixel.
    inside = slice(130 // factor, -130 // factor)
    np.testing.assert_allclose(ours[inside, inside], expected[inside, inside], atol=0.5 / 255)
    assert ours.mean() / pixels.mean() == pytest.approx(0.977, abs=0.003)


def test_decimation_blurs_by_half_the_factor_unless_told(run: Any) -> None:
    np.testing.assert_array_equal(run("decimate=3"), run("decimate=3:sigma=1.5"))


@pytest.mark.parametrize("text", ["bicubic", "resize", "decimate", "chebyshev", "blind"])
def test_the_recipes_scale_counts_where_no_factor_is_given(run: Any, text: str) -> None:
    assert run(text, scale=3).shape == (30, 34, 3)


@pytest.mark.parametrize("kernel", ["nearest", "bilinear", "bicubic"])
def test_pixelate_is_pillows_there_and_back(
    run: Any, levels: NDArray[np.uint8], kernel: str
) -> None:
    whole = levels[:88, :100]
    x = torch.from_numpy(whole / np.float32(255)).permute(2, 0, 1)[None]
    small = Image.fromarray(whole).resize((25, 22), Image.Resampling.BOX)
    back = np.asarray(small.resize((100, 88), getattr(Image.Resampling, kernel.upper())))
    # Four roundings are Pillow's.
    ours = run(f"pixelate=0.25:up={kernel}", x) * 255
    np.testing.assert_allclose(ours[8:-8, 8:-8], back[8:-8, 8:-8], atol=2.5)


def test_cells_of_a_crop_are_those_of_the_whole_picture(run: Any, photo: Tensor) -> None:
    whole = run("pixelate=0.25")
    crop = run("pixelate=0.25", photo[..., 8:59, 12:63])
    np.testing.assert_allclose(crop[:48, :48], whole[8:56, 12:60], atol=1e-5)


def test_pixelate_draws_a_size_for_each_picture(photo: Tensor, generator: Generator) -> None:
    cells = Pixelate(size=[0.1, 0.5])(photo.expand(6, -1, -1, -1), generator)
    distinct = {len(picture.unique(dim=1)[0]) for picture in cells[:, 0].mT}
    assert len(distinct) > 3
