"""Small pictures for the tests of data, and a cache of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from crispen.media.image import Image, write_image

Save = Callable[..., Path]


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or writes the user's cache."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("CRISPEN_DATA", str(folder))
    return folder


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Writes noise as a picture: ``save("a/b.png", height, width)``."""

    def write(name: str, height: int = 20, width: int = 30, seed: int = 0) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rgb = np.random.default_rng([seed, height, width]).integers(
            0, 256, (height, width, 3), np.uint8
        )
        write_image(Image(rgb), path, overwrite=True)
        return path

    return write
