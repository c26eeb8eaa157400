"""Noise of a known strength is measured as that."""

from __future__ import annotations

import numpy as np
import pytest

from crispen.look.noise import noise_sigma


def noisy(sigma: float, size: int = 256, slope: float = 0.5) -> np.ndarray:
    rng = np.random.default_rng(0)
    base = 60 + slope * np.arange(size)[None, :, None] * np.ones((size, 1, 3))
    return np.clip(np.rint(base + rng.normal(0, sigma, base.shape)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("sigma", [2.0, 5.0, 15.0])
def test_white_noise(sigma: float) -> None:
    assert noise_sigma(noisy(sigma)) == pytest.approx(sigma, rel=0.15)


def test_a_plane_and_an_edge_are_no_noise() -> None:
    clean = noisy(0.0)
    assert noise_sigma(clean) < 0.6  # rounding alone
    clean[:, 128:] += 60
    assert noise_sigma(clean) < 0.6


def test_clipped_places_do_not_count() -> None:
    pixels = noisy(8.0)
    pixels[:128] = 255
    assert noise_sigma(pixels) == pytest.approx(8.0, rel=0.2)


def test_too_small_to_say() -> None:
    assert noise_sigma(noisy(9.0, size=12)) == 0.0
    assert noise_sigma(np.full((64, 64, 3), 255, np.uint8)) == 0.0
