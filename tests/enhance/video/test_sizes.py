"""Any size, as the video is shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from crispen.enhance.api import enhance_video
from crispen.media.resample import resize
from crispen.media.video.container import probe

from .clips import MODEL, QUARTER_TURN, frames, make_clip


@pytest.mark.parametrize(
    ("wish", "size"),
    [
        ({"scale": 1.5}, (72, 48)),
        ({"scale": 3.3}, (158, 106)),
        ({"size": (100, None)}, (100, 66)),
        ({"size": (95, 63)}, (94, 62)),
        ({"size": (300, 100), "fit": True}, (150, 100)),
        ({"scale": 0.5}, (24, 16)),
    ],
)
def test_any_size(tmp_path: Path, wish: dict[str, object], size: tuple[int, int]) -> None:
    source = make_clip(tmp_path / "a.mp4", range(0, 1536, 512))
    report = enhance_video(source, tmp_path / "b.mp4", model=MODEL, **wish)  # type: ignore[arg-type]
    assert report.target_size == size
    header = probe(tmp_path / "b.mp4")
    assert (header.width, header.height) == size
    small = frames(source)[0].astype(float)
    large = frames(tmp_path / "b.mp4")[0].astype(float)
    # The picture is the same: bicubic back to the source's size comes near it.
    assert np.abs(resize(large, 32, 48) - small).mean() < 6


def test_a_turned_video_is_sized_as_it_is_shown(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", range(0, 1536, 512), matrix=QUARTER_TURN)
    report = enhance_video(source, tmp_path / "b.mp4", size=(64, 96), model=MODEL)
    assert report.target_size == (96, 64)
