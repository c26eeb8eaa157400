"""Blur against SciPy, MATLAB's ``fspecial`` and hand-sized cases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage, special
from torch import Generator, Tensor

from crispen.lab.degradations import GaussianBlur, filtering, kernels


def test_gaussian_is_scipys(run: Any, levels: NDArray[np.uint8]) -> None:
    expected = ndimage.gaussian_filter(
        levels / 255, sigma=1.7, radius=6, axes=(0, 1), mode="nearest"
    )
    np.testing.assert_allclose(run("gaussian-blur=1.7"), expected, atol=1e-6)


def test_no_sigma_is_no_blur(run: Any, levels: NDArray[np.uint8]) -> None:
    np.testing.assert_allclose(run("gaussian-blur=0"), levels / 255, atol=1e-6)


def test_each_picture_draws_its_own_sigma(photo: Tensor, generator: Generator) -> None:
    blurred = GaussianBlur(sigma=[0.2, 3])(photo.expand(5, -1, -1, -1), generator)
    detail = blurred.diff(dim=-1).abs().mean(dim=(1, 2, 3))
    assert len(detail.unique()) == 5


@pytest.mark.parametrize(("angle", "sigma"), [(0, (0.8, 2.0)), (90, (2.0, 0.8))])
def test_anisotropic_along_the_axes_is_scipys(
    run: Any, levels: NDArray[np.uint8], angle: int, sigma: tuple[float, float]
) -> None:
    expected = ndimage.gaussian_filter(
        levels / 255, sigma=sigma, radius=6, axes=(0, 1), mode="nearest"
    )
    blurred = run(f"anisotropic-blur=2:ratio=0.4,angle={angle}")
    np.testing.assert_allclose(blurred, expected, atol=1e-5)


def test_anisotropic_turns_against_the_clock() -> None:
    long, short = torch.full((1, 1, 1, 1), 3.0), torch.full((1, 1, 1, 1), 0.5)
    kernel = kernels.elliptic(long, short, torch.full((1, 1, 1, 1), 45.0), 2)[0]
    # Upper right and lower left.
    assert kernel[0, 4] == kernel[4, 0]
    assert kernel[0, 4] > 100 * kernel[0, 0]


@pytest.mark.parametrize(("angle", "axis"), [(0, 1), (90, 0), (180, 1)])
def test_motion_along_the_axes_is_a_running_mean(
    run: Any, levels: NDArray[np.uint8], angle: int, axis: int
) -> None:
    expected = ndimage.uniform_filter1d(levels / 255, 9, axis=axis, mode="nearest")
    np.testing.assert_allclose(run(f"motion-blur=9:angle={angle}"), expected, atol=1e-5)


def test_motion_across_is_the_distance_from_the_line() -> None:
    length, angle = torch.full((1, 1, 1, 1), 3.0), torch.full((1, 1, 1, 1), 45.0)
    kernel = kernels.line(length, angle, 1)[0].numpy()
    # As fspecial("motion", 3, 45) has it: the ends of the line are √2 - 1 short of the corners,
    # the direct neighbours √½ away.
    corner, side = 1 - (np.sqrt(2) - 1), 1 - np.sqrt(0.5)
    expected = np.array([[0, side, corner], [side, 1, side], [corner, side, 0]])
    np.testing.assert_allclose(kernel, expected / expected.sum(), atol=1e-6)


def test_sinc_is_the_bessel_function() -> None:
    kernel = kernels.lowpass(torch.full((1, 1, 1, 1), 0.5), 10)[0].numpy()
    y, x = np.mgrid[-10:11, -10:11].astype(float)
    r = np.hypot(x, y)
    omega = np.pi / 2
    with np.errstate(invalid="ignore"):
        expected = omega * special.j1(omega * r) / (2 * np.pi * r)
    expected[10, 10] = omega**2 / (4 * np.pi)
    np.testing.assert_allclose(kernel, expected / expected.sum(), atol=1e-6)


def test_sinc_rings_beside_an_edge(run: Any) -> None:
    edge = torch.full((1, 1, 32, 32), 0.25)
    edge[..., 16:] = 0.75
    assert run("sinc=0.4", edge).max() > 0.78


@pytest.mark.parametrize("size", [3, 5])
def test_median_is_scipys(run: Any, levels: NDArray[np.uint8], size: int) -> None:
    expected = ndimage.median_filter(levels, size=(size, size, 1), mode="nearest")
    np.testing.assert_allclose(run(f"median-blur={size}") * 255, expected, atol=1e-3)


def test_plateau_and_generalised_kernels_by_hand() -> None:
    one = torch.ones(1, 1, 1, 1)
    flat = kernels.plateau(2 * one, 2 * one, 0 * one, 1, 2 * one)[0]
    # q is 0, 1/4 and 1/2 at the centre, the sides and the corners.
    expected = torch.tensor([[0.8, 16 / 17, 0.8], [16 / 17, 1, 16 / 17], [0.8, 16 / 17, 0.8]])
    torch.testing.assert_close(flat, expected / expected.sum())
    heavy = kernels.elliptic(2 * one, 2 * one, 0 * one, 1, 0.5 * one)[0]
    assert float(heavy[1, 1] / heavy[0, 1]) == pytest.approx(np.exp(0.25), rel=1e-5)


def test_bands_of_a_large_picture_leave_no_seams(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [run(text) for text in ("gaussian-blur=2", "median-blur=3")]
    monkeypatch.setattr(filtering, "_BAND_PX", 102 * 7)
    bands = [run(text) for text in ("gaussian-blur=2", "median-blur=3")]
    np.testing.assert_allclose(bands, whole, atol=1e-6)
