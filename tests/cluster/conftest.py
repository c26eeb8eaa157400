"""What a batch is given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small pictures in several formats, and a clip."""
    from ..enhance.video.clips import make_clip

    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    (folder / "below").mkdir()
    for number in range(12):
        suffix = ("png", "jpg", "webp")[number % 3]
        place = folder / ("below" if number % 2 else ".") / f"p{number:02}.{suffix}"
        side = 24 + 4 * number
        PilImage.fromarray(random.integers(0, 256, (side, 30, 3), np.uint8)).save(place)
    make_clip(folder / "clip.mp4", range(0, 40 * 512, 512), audio=[("aac", 0.0, 1.5)])
    return folder
