"""Classic filters against OpenCV, SciPy and hand-sized cases."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from crispen.errors import MissingExtra
from crispen.evaluate.filters import (
    FILTERS,
    adaptive_median,
    bilateral,
    median,
    nl_means,
    noise_sigma,
    unsharp,
)

pytest.importorskip("skimage")
RNG = np.random.default_rng(0)
Y, X = np.mgrid[0:64, 0:72]
SMOOTH = np.stack(
    [128 + 60 * np.sin(X / 9.0), 128 + 60 * np.cos(Y / 11.0), 40 + X + Y], axis=-1
).astype(np.uint8)


def noisy(sigma: float) -> np.ndarray:
    x = SMOOTH + np.random.default_rng(1).normal(0, sigma, SMOOTH.shape)
    return np.clip(np.round(x), 0, 255).astype(np.uint8)


def error(x: np.ndarray) -> float:
    return float(np.mean((x.astype(float) - SMOOTH) ** 2))


def test_median_equals_opencv() -> None:
    cv2 = pytest.importorskip("cv2")
    x = noisy(20)
    inner = slice(1, -1)  # the two differ in what lies beyond the edge
    np.testing.assert_array_equal(median(x)[inner, inner], cv2.medianBlur(x, 3)[inner, inner])


def test_bilateral_equals_opencv() -> None:
    cv2 = pytest.importorskip("cv2")
    x = noisy(20)
    expected = cv2.bilateralFilter(x, -1, 3 * noise_sigma(x), 3, borderType=cv2.BORDER_REFLECT_101)
    # OpenCV reads its weights from tables.
    assert np.abs(bilateral(x).astype(int) - expected).max() <= 1


def test_unsharp_is_its_formula() -> None:
    from scipy.ndimage import gaussian_filter

    x = SMOOTH / 255
    blurred = gaussian_filter(x, (2, 2, 0), mode="reflect")
    expected = np.clip(np.round((2 * x - blurred).clip(0, 1) * 255), 0, 255)
    assert np.abs(unsharp(SMOOTH).astype(int) - expected).max() <= 1


def test_adaptive_median_mends_impulses_and_leaves_the_rest() -> None:
    x = SMOOTH.copy()
    hit = np.random.default_rng(2).random(x.shape[:2]) < 0.3
    x[hit] = np.random.default_rng(3).choice([0, 255], hit.sum())[:, None]
    mended = adaptive_median(x)
    assert error(mended) < error(median(x)) / 3
    # Values between the extremes of their window are kept.
    sound = ~hit & (x > 0).all(2) & (x < 255).all(2)
    assert (mended[sound] == x[sound]).mean() > 0.95


def test_adaptive_median_of_one_impulse_by_hand() -> None:
    x = np.arange(25, dtype=np.uint8).reshape(5, 5, 1).repeat(3, 2) + 100
    degraded = x.copy()
    degraded[2, 2] = 255
    # Of 106 107 108 111 (255) 113 116 117 118, the median is 113.
    assert adaptive_median(degraded)[2, 2].tolist() == [113, 113, 113]


@pytest.mark.parametrize("sigma", [5, 15, 30])
def test_the_noise_is_estimated(sigma: float) -> None:
    flat = np.clip(RNG.normal(128, sigma, (200, 200, 3)), 0, 255)
    assert noise_sigma(flat.round().astype(np.uint8)) == pytest.approx(sigma, rel=0.05)


@pytest.mark.parametrize("filter", [bilateral, nl_means])
def test_smoothing_filters_take_noise_away(filter: object) -> None:
    x = noisy(20)
    assert error(filter(x)) < error(x) / 3  # type: ignore[operator]


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("size", [(1, 1), (2, 9), (20, 30)])
def test_every_filter_keeps_shape_and_type(name: str, size: tuple[int, int]) -> None:
    x = RNG.integers(0, 256, (*size, 3), np.uint8)
    out = FILTERS[name](x)
    assert out.shape == x.shape
    assert out.dtype == np.uint8


def test_without_scikit_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage.filters", None)
    with pytest.raises(MissingExtra, match=r"crispen\[iqa\]"):
        unsharp(SMOOTH)
