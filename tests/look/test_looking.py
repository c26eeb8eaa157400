"""What `look` finds, on pictures whose faults are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pil
from skimage import data

from crispen.look import look
from crispen.look.looking import kind_of
from crispen.look.noise import noise_sigma
from crispen.media.image import Image

Bytes = NDArray[np.uint8]


@pytest.fixture(scope="module")
def photo() -> Bytes:
    return np.ascontiguousarray(data.astronaut())


def noisy(pixels: Bytes, sigma: float) -> Bytes:
    rng = np.random.default_rng(0)
    levels = pixels + rng.normal(0, sigma, pixels.shape)
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("sigma", [3.0, 6.0, 12.0, 25.0])
def test_noise_is_measured(photo: Bytes, sigma: float) -> None:
    assert noise_sigma(noisy(photo, sigma)) == pytest.approx(sigma, rel=0.12, abs=0.5)


def test_noise_of_nothing() -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8)[:, None, None] // 2 + 40, (1, 64, 3))
    assert noise_sigma(ramp) < 0.3
    assert noise_sigma(np.full((64, 64, 3), 255, np.uint8)) == 0
    for height, width in ((3, 5), (1, 1), (1, 50), (50, 2)):
        assert noise_sigma(np.zeros((height, width, 3), np.uint8)) == 0
        assert look(Image(np.full((height, width, 3), 90, np.uint8))).noise == 0


def test_a_jpeg_says_so(photo: Bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Pil.fromarray(photo).save(path, quality=62)
    found = look(path)
    assert found.faults == ["JPEG quality about 62"]
    assert found.dials.compression == pytest.approx(0.535, abs=0.02)
    assert found.dials.noise == pytest.approx(0, abs=0.15)
    clean = look(Image(photo))
    assert clean.faults == []
    assert clean.compression is None


def test_exposure(photo: Bytes) -> None:
    assert look(Image(photo)).exposure.faults == []
    assert "dark" in look(Image((photo * 0.25).astype(np.uint8))).faults
    assert "low contrast" in look(Image((photo * 0.3 + 90).astype(np.uint8))).faults
    assert "clipped highlights" in look(Image(np.clip(photo * 2.0, 0, 255).astype(np.uint8))).faults


def test_kinds(photo: Bytes) -> None:
    assert kind_of(photo) == "photo"
    page = np.full((200, 200, 3), 255, np.uint8)
    page[::9, 10:150:2] = 0
    assert kind_of(page) == "text"
    flags = np.repeat(np.arange(6, dtype=np.uint8) * 50, 40)
    assert kind_of(np.tile(flags[None, :, None], (100, 1, 3))) == "drawing"
