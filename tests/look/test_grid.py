"""The blocks of an earlier JPEG, found where they are and nowhere else."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from crispen.lab.data.drawn import page
from crispen.look import look
from crispen.look.grid import grid_offset
from crispen.media.image import Image as Picture
from crispen.media.image import read_image


def scene(side: int = 240) -> np.ndarray:
    """Waves of all lengths, as smooth as photographs are at most places."""
    y, x = np.mgrid[0:side, 0:side] / side
    waves = sum(np.sin(40 * k * x * y + k) / k for k in range(1, 9))
    pixels = 120 + 40 * waves[..., None] * [1, 0.8, 0.5]  # type: ignore[index]
    return pixels.clip(0, 255).astype(np.uint8)


def through_jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


@pytest.mark.parametrize("cut", [(0, 0), (3, 0), (1, 6), (7, 7), (4, 5)])
def test_the_grid_is_found_where_it_was_cut(cut: tuple[int, int]) -> None:
    left, top = cut
    pixels = through_jpeg(scene(), 40)[top:, left:]
    assert grid_offset(pixels) == (-left % 8, -top % 8)


def test_nothing_is_found_where_nothing_is() -> None:
    flat = np.full((200, 200, 3), 90, np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (300, 200, 3), np.uint8)
    small = through_jpeg(scene(40), 30)
    for pixels in (scene(), flat, noise, small, page(np.random.default_rng(1), 320)):
        assert grid_offset(pixels) is None


def test_of_a_large_picture_the_middle_is_looked_at() -> None:
    large = np.tile(through_jpeg(scene(), 40), (8, 7, 1))[5:, 2:]
    assert grid_offset(large) == (6, 3)


def test_photographs(shared_data) -> None:
    files = sorted((shared_data / "valid/Set14/HR").iterdir())
    right = wrong = 0
    for number, file in enumerate(files):
        across, down = number % 7 + 1, number % 5 + 1
        found = grid_offset(through_jpeg(read_image(file).as_rgb8(), 60)[down:, across:])
        right += found == (8 - across, 8 - down)
        wrong += found not in (None, (8 - across, 8 - down))
    assert right >= 9
    assert wrong == 0


def test_it_is_told() -> None:
    seen = look(Picture(through_jpeg(scene(), 30)[2:, 5:]))
    assert seen.as_dict()["grid"] == {"x": 3, "y": 6}
    assert "blocks of an earlier JPEG" in seen.faults
    assert look(Picture(scene())).as_dict()["grid"] is None
