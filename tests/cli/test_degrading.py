"""Degradations that are typed, and those of a recipe."""

from __future__ import annotations

import numpy as np
import pytest

from crispen.cli._degrading import recipe_degradation, typed_degradation
from crispen.errors import UsageError

FLAT = np.full((64, 64, 3), 128, np.uint8)


def test_noise_of_a_known_strength() -> None:
    degrade, words = typed_degradation(["gaussian-noise=25"], 1, seed=3)
    assert words == "gaussian-noise=25 (seed 3)"
    noise = degrade(FLAT, 0).astype(float) - 128
    assert noise.std() == pytest.approx(25, rel=0.05)


def test_each_picture_has_noise_of_its_own_the_same_every_time() -> None:
    degrade, _ = typed_degradation(["gaussian-noise=25"], 1, seed=3)
    assert np.array_equal(degrade(FLAT, 0), degrade(FLAT, 0))
    assert not np.array_equal(degrade(FLAT, 0), degrade(FLAT, 1))
    other, _ = typed_degradation(["gaussian-noise=25"], 1, seed=4)
    assert not np.array_equal(degrade(FLAT, 0), other(FLAT, 0))


def test_it_must_fit_the_scale() -> None:
    degrade, _ = typed_degradation(["bicubic"], 2, seed=0)
    assert degrade(FLAT, 0).shape == (32, 32, 3)
    with pytest.raises(UsageError):
        typed_degradation(["no-such-thing=2"], 1, seed=0)


def test_a_recipe_without_one_has_none() -> None:
    assert recipe_degradation({}) is None
    assert recipe_degradation({"degradation": []}) is None
