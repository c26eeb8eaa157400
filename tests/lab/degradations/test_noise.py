"""Noise, lost pixels and exposure: what their formulas say about means, variances and counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from crispen.lab.degradations import ColorNoise, GaussianNoise, PoissonNoise, SaltAndPepper

GREY = torch.full((1, 3, 128, 128), 0.5)
COUNT = 128 * 128


def test_gaussian_noise_has_its_sigma(run: Any) -> None:
    noise = (run("gaussian-noise=25", GREY) - 0.5) * 255
    # Four standard errors of mean and standard deviation.
    assert abs(noise.mean()) < 4 * 25 / np.sqrt(3 * COUNT)
    assert noise.std() == pytest.approx(25, abs=4 * 25 / np.sqrt(2 * 3 * COUNT))
    assert np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1] < 0.05


def test_grey_noise_is_the_same_in_all_channels(run: Any) -> None:
    for text in ("gaussian-noise=25:grey=true", "poisson-noise=100:grey=true"):
        noise = run(text, GREY)
        np.testing.assert_array_equal(noise[..., 0], noise[..., 2])
        assert noise.std() > 0.03


def test_sigma_is_drawn_for_each_picture(generator: Generator) -> None:
    x = torch.full((64, 1, 32, 32), 0.5)
    deviations = (GaussianNoise(sigma=[10, 30])(x, generator) - x).std(dim=(1, 2, 3)) * 255
    assert deviations.min() > 9
    assert deviations.max() < 32
    assert deviations.max() - deviations.min() > 15


@pytest.mark.parametrize("light", [0.1, 0.8])
def test_poisson_noise_has_the_variance_of_its_photons(generator: Generator, light: float) -> None:
    noisy = PoissonNoise(photons=200)(torch.full((1, 3, 128, 128), light), generator)
    # k/λ with k ~ Poisson(λ x): mean x, variance x/λ.
    assert float(noisy.mean()) == pytest.approx(light, abs=4 * np.sqrt(light / 200 / 3 / COUNT))
    if light < 0.5:  # brighter values are clipped
        assert float(noisy.var()) == pytest.approx(light / 200, rel=0.05)
    torch.testing.assert_close(noisy * 200, (noisy * 200).round(), atol=1e-3, rtol=0)


def test_salt_and_pepper_loses_its_proportion(run: Any) -> None:
    y = run("salt-and-pepper=0.4:salt=0.25", GREY)
    error = 4 * np.sqrt(0.24 / COUNT)
    assert (y == 1).mean() == pytest.approx(0.1, abs=error)
    assert (y == 0).mean() == pytest.approx(0.3, abs=error)
    # Whole pixels, not single values.
    assert ((y == 0.5).all(axis=-1) | (y != 0.5).all(axis=-1)).all()
    single = run("salt-and-pepper=0.4:per_channel=true", GREY)
    assert not ((single == 0.5).all(axis=-1) | (single != 0.5).all(axis=-1)).all()


def test_color_noise_replaces_its_proportion_by_any_colour(run: Any) -> None:
    y = run("color-noise=30%", GREY)
    lost = (y != 0.5).any(axis=-1)
    assert lost.mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / COUNT))
    # Uniform on [0, 1): mean 1/2, variance 1/12, no channel tells of another.
    assert y[lost].mean() == pytest.approx(0.5, abs=0.02)
    assert y[lost].var() == pytest.approx(1 / 12, abs=0.004)
    assert abs(np.corrcoef(y[lost].T) - np.eye(3)).max() < 0.06


def test_darken_and_brighten_by_hand(run: Any) -> None:
    x = torch.tensor([0.0, 0.5, 1.0]).reshape(1, 1, 1, 3)
    np.testing.assert_allclose(run("darken=0.4", x).ravel(), [0, 0.3, 0.6], atol=1e-6)
    np.testing.assert_allclose(run("brighten=0.4", x).ravel(), [0.4, 0.7, 1.0], atol=1e-6)


def test_white_and_black_of_studio_luma(run: Any) -> None:
    # An RGB picture darkened by 40 % has Y' = 16 + 0.6 (Y' - 16).
    x = torch.tensor([16.0, 116.0, 235.0]).reshape(1, 1, 1, 3) / 255
    studio = "black=0.0627451,white=0.9215686"
    dark, bright = (run(f"{kind}=0.4:{studio}", x) * 255 for kind in ("darken", "brighten"))
    np.testing.assert_allclose(dark.ravel(), [16, 76, 147.4], atol=1e-3)
    np.testing.assert_allclose(bright.ravel(), [103.6, 163.6, 235], atol=1e-3)
    lost = run(f"salt-and-pepper=0.5:{studio}", GREY[:, :1]) * 255
    assert sorted({round(float(v), 1) for v in np.unique(lost)}) == [16, 127.5, 235]


def test_brighten_as_the_study_did(run: Any) -> None:
    x = torch.tensor([0.0, 0.5, 0.8]).reshape(1, 1, 1, 3)
    np.testing.assert_allclose(
        run("brighten=0.4:way=multiply", x).ravel(), [0.0, 0.7, 1.0], atol=1e-6
    )
    studio = torch.tensor([16.0, 66.0, 235.0]).reshape(1, 1, 1, 3) / 255
    there = run(f"brighten=0.4:way=multiply,black={16 / 255},white={235 / 255}", studio) * 255
    np.testing.assert_allclose(there.ravel(), [16, 86, 235], atol=1e-4)


def test_brightening_is_darkening_of_the_negative(run: Any, photo: Tensor) -> None:
    np.testing.assert_allclose(run("brighten=0.3"), 1 - run("darken=0.3", 1 - photo), atol=1e-6)


def test_values_never_leave_their_range_unless_asked(run: Any) -> None:
    assert run("gaussian-noise=200", GREY).min() == 0
    assert run("gaussian-noise=200", GREY).max() == 1
    loose = run("gaussian-noise=200:clip=false", GREY)
    assert loose.min() < 0
    assert loose.max() > 1


def test_one_channel(generator: Generator) -> None:
    luma = torch.rand(2, 1, 16, 16, generator=generator)
    for noise in (GaussianNoise(sigma=10), PoissonNoise(), SaltAndPepper()):
        assert noise(luma, generator).shape == luma.shape
    assert ColorNoise().needs_color()
