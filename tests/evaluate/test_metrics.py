"""PSNR and SSIM against scikit-image and against cases small enough to work out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from crispen.errors import UsageError
from crispen.evaluate.metrics import luma255, psnr, round8, ssim


def noise(seed: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.float64)


@settings(max_examples=15, derandomize=True, deadline=None)
@given(st.integers(0, 99), st.integers(20, 50), st.integers(20, 50), st.integers(0, 4))
def test_psnr_equals_scikit_image(seed: int, height: int, width: int, border: int) -> None:
    a, b = noise(seed, height, width), noise(seed + 1, height, width)
    inner = (slice(border, height - border), slice(border, width - border))
    expected = peak_signal_noise_ratio(b[inner], a[inner], data_range=255)
    assert psnr(a, b, border=border) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=15, derandomize=True, deadline=None)
@given(st.integers(0, 99), st.integers(20, 50), st.integers(20, 50), st.floats(0, 40))
def test_ssim_equals_scikit_image(seed: int, height: int, width: int, sigma: float) -> None:
    a = noise(seed, height, width)
    b = a + np.random.default_rng(seed).normal(0, sigma, a.shape)
    # Wang's settings; scikit-image's map is filtered at the rim too, its mean leaves 5 pixels out.
    expected = structural_similarity(
        a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )
    assert ssim(a, b, border=0) == pytest.approx(expected, abs=1e-7)


def test_luma_is_matlabs() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (7, 5, 3), np.uint8)
    np.testing.assert_allclose(luma255(rgb), rgb2ycbcr(rgb)[..., 0], atol=2e-3)


def test_grey_has_the_luma_of_its_colour() -> None:
    grey = np.array([[0, 255]], np.uint8)
    np.testing.assert_allclose(luma255(grey), [[16.0, 235.0]])


def test_one_level_of_difference_is_48_decibels() -> None:
    # 10 · log10(255² / 1)
    assert psnr(np.zeros((9, 9)), np.ones((9, 9)), border=1) == pytest.approx(48.1308, abs=1e-4)


def test_equal_pictures() -> None:
    a = noise(0, 16, 16)
    assert psnr(a, a, border=2) == float("inf")
    assert ssim(a, a, border=2) == pytest.approx(1.0)


def test_the_border_is_left_out() -> None:
    a = noise(0, 20, 20)
    b = a.copy()
    b[:2], b[:, -2:] = 0, 0
    assert psnr(a, b, border=2) == float("inf")


def test_rounding_clips() -> None:
    np.testing.assert_array_equal(round8(np.array([-3.0, 0.6, 300.0])), [0.0, 1.0, 255.0])


def test_unequal_sizes_are_told() -> None:
    with pytest.raises(UsageError, match="4x3 against 5x3"):
        psnr(np.zeros((3, 4)), np.zeros((3, 5)), border=0)


def test_nothing_left_is_told() -> None:
    with pytest.raises(UsageError, match="nothing is left"):
        psnr(np.zeros((4, 9)), np.zeros((4, 9)), border=2)


def test_too_small_for_ssim_is_told() -> None:
    with pytest.raises(UsageError, match="11x11"):
        ssim(np.zeros((12, 12)), np.zeros((12, 12)), border=1)
