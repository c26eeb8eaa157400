"""Photographs to copy, crop and damage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Save = Callable[..., Path]


@pytest.fixture(scope="session")
def photos() -> dict[str, Bytes]:
    """``(height, width, 3)`` each, none of them larger than 512 pixels."""
    from skimage import data

    return {"astronaut": data.astronaut(), "cat": data.chelsea(), "cup": data.coffee()[:, :512]}


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """``save(pixels, "in/a.jpg", quality=50)``."""

    def write(pixels: Bytes, name: str, **options: int) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(pixels).save(path, **options)
        return path

    return write
