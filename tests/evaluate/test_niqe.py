"""NIQE against another implementation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from crispen.evaluate.metrics import luma255, round8
from crispen.evaluate.niqe import niqe
from crispen.media.image import read_image


@pytest.fixture(scope="module")
def baboon(shared_data: Path) -> np.ndarray:
    return read_image(shared_data / "valid" / "Set14" / "HR" / "img_001.png").as_rgb8()


# MMEditing's tests/models/test_evaluation (test_calculate_niqe) for baboon.png; MATLAB R2021a gives
# 5.7296 for luma, as BasicSR tells. They round luma that was computed in 32 bits.
@pytest.mark.parametrize(
    ("plane", "border", "expected", "tolerance"),
    [
        ("blue", 0, 5.62525, 1e-5),
        ("blue", 6, 5.82981, 1e-5),
        ("luma", 0, 5.72957, 2e-4),
        ("luma", 6, 6.10074, 2e-4),
    ],
)
def test_niqe_of_baboon(
    baboon: np.ndarray, plane: str, border: int, expected: float, tolerance: float
) -> None:
    x = baboon[..., 2].astype(np.float64) if plane == "blue" else round8(luma255(baboon))
    x = x[border : x.shape[0] - border, border : x.shape[1] - border]
    assert niqe(x) == pytest.approx(expected, abs=tolerance)


def test_niqe_rises_with_noise(baboon: np.ndarray) -> None:
    x = luma255(baboon)
    noisy = x + np.random.default_rng(0).normal(0, 25, x.shape)
    clean = niqe(x)
    worse = niqe(noisy)
    assert clean is not None
    assert worse is not None
    assert worse > clean + 3


@pytest.mark.parametrize("shape", [(96, 191), (10, 10), (95, 1000)])
def test_niqe_needs_two_blocks(shape: tuple[int, int]) -> None:
    assert niqe(np.zeros(shape)) is None


def test_niqe_of_a_flat_picture_is_unknown() -> None:
    assert niqe(np.full((192, 192), 128.0)) is None
