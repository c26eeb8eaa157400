"""Colour conversion against scikit-image (MATLAB), OpenCV and the recommendations' own numbers."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage.color import rgb2ycbcr

from crispen.media.color import (
    BT601_FULL,
    BT601_STUDIO,
    BT709_FULL,
    BT709_STUDIO,
    BT2020_FULL,
    BT2020_STUDIO,
    YCbCr,
)

ALL = [BT601_STUDIO, BT601_FULL, BT709_STUDIO, BT709_FULL, BT2020_STUDIO, BT2020_FULL]


def colours() -> np.ndarray:
    return np.random.default_rng(0).random((20, 30, 3))


def test_studio_bt601_is_matlabs() -> None:
    rgb = colours()
    # scikit-image rounds the matrix to 3 decimals, as MATLAB's manual prints it.
    np.testing.assert_allclose(BT601_STUDIO.from_rgb(rgb) * 255, rgb2ycbcr(rgb), atol=2e-3)
    np.testing.assert_allclose(BT601_STUDIO.luma(rgb) * 255, rgb2ycbcr(rgb)[..., 0], atol=2e-3)


def test_full_bt601_is_jpegs() -> None:
    rgb = (colours() * 255).astype(np.uint8)
    y, cr, cb = cv2.split(cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb).astype(float))
    ours = BT601_FULL.from_rgb(rgb / 255) * 255
    assert np.abs(ours - np.dstack([y, cb, cr])).max() <= 1.01  # OpenCV's rounding


@pytest.mark.parametrize(
    ("matrix", "red", "green", "blue"),
    [
        # BT.709-6, item 5.6 (8 bits): 16 + 219 E'Y with 0.2126, 0.7152, 0.0722
        (BT709_STUDIO, 62.56, 172.63, 31.81),
        # BT.2020-2, table 4: 0.2627, 0.6780, 0.0593
        (BT2020_STUDIO, 73.53, 164.48, 28.99),
    ],
)
def test_luma_of_the_primaries(matrix: YCbCr, red: float, green: float, blue: float) -> None:
    luma = matrix.luma(np.eye(3)) * 255
    np.testing.assert_allclose(luma, [red, green, blue], atol=0.01)


@pytest.mark.parametrize("matrix", ALL)
def test_there_and_back(matrix: YCbCr) -> None:
    rgb = colours()
    np.testing.assert_allclose(matrix.to_rgb(matrix.from_rgb(rgb)), rgb, atol=1e-12)
    assert matrix.from_rgb(rgb.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("matrix", ALL)
def test_black_white_and_the_extremes_of_chroma(matrix: YCbCr) -> None:
    low, high, chroma = (0, 255, 127.5) if matrix.full else (16, 235, 112)
    codes = matrix.from_rgb(np.array([[0, 0, 0], [1, 1, 1], [0, 0, 1], [1, 0, 0.0]])) * 255
    np.testing.assert_allclose(codes[0], [low, 128, 128], atol=1e-9)
    np.testing.assert_allclose(codes[1], [high, 128, 128], atol=1e-9)
    assert codes[2, 1] == pytest.approx(128 + chroma)
    assert codes[3, 2] == pytest.approx(128 + chroma)
