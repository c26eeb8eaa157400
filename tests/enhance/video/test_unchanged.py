"""What did not change is not computed, and nothing differs for it."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from crispen.engines.base import Pixels
from crispen.enhance.api import enhance_video
from crispen.enhance.model import load
from crispen.enhance.stages import ModelStage, Shape
from crispen.enhance.video.unchanged import Reused, UnchangedStage
from crispen.media.video.pixel_formats import plane

from .clips import frames


def drawing(width: int, height: int) -> Pixels:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1))
    return coarse.repeat(8, 0).repeat(8, 1)[:height, :width, None].astype(np.uint8)


def stage_of(model: str, width: int, height: int, channels: int = 1) -> ModelStage:
    engine = load(model).engine
    return ModelStage(engine, Shape(width, height, channels, 1), memory_bytes=1 << 30)


@pytest.mark.parametrize(
    ("model", "channels", "size"),
    [
        ("photo-fast-x2", 1, (640, 360)),
        ("photo-fast-x2", 1, (416, 546)),
        ("video-x2", 1, (640, 360)),
        ("real-x2", 3, (416, 360)),
        ("denoise-photo", 1, (416, 360)),
    ],
)
def test_the_result_is_that_of_whole_frames(
    model: str, channels: int, size: tuple[int, int]
) -> None:
    width, height = size
    stage = stage_of(model, width, height, channels)
    reused = Reused()
    follow = UnchangedStage(stage, reused)
    frame = drawing(width, height).repeat(channels, 2)
    rng = np.random.default_rng(1)
    places = [(0, 0), (height - 1, width - 1), (128, 128), (127, 256), (height // 2, 5)]
    for number, (row, column) in enumerate([*places, *places]):
        if number:
            frame[row : row + 9, column : column + 7] = rng.integers(0, 256, channels)
        np.testing.assert_array_equal(follow(frame), stage.window(frame))
    assert reused.pixels == 10 * width * height
    if stage.multiple == 1:
        assert 0.3 < reused.share < 0.9


def test_a_frame_as_before_is_not_computed() -> None:
    stage = stage_of("photo-fast-x2", 320, 180)
    reused = Reused()
    follow = UnchangedStage(stage, reused)
    frame = drawing(320, 180)
    first = follow(frame).copy()
    for _ in range(4):
        np.testing.assert_array_equal(follow(frame.copy()), first)
    assert reused.computed == 320 * 180
    assert reused.share == pytest.approx(0.8)
    # Where everything changes, whole frames are computed, as they would be without it.
    for level in range(3):
        changed = np.full_like(frame, level)
        np.testing.assert_array_equal(follow(changed), stage.window(changed))
    assert reused.computed == 4 * 320 * 180


def test_a_frame_that_is_changed_afterwards_was_seen_as_it_was() -> None:
    """A decoder may write the next frame into the memory of this one."""
    stage = stage_of("photo-fast-x2", 320, 180)
    follow = UnchangedStage(stage, Reused())
    frame = drawing(320, 180)
    follow(frame)
    frame[50:60, 50:60] += 40
    np.testing.assert_array_equal(follow(frame), stage.window(frame))


def screen(path: Path, *, count: int = 24) -> Path:
    """A window in which somebody types, without loss."""
    page = drawing(480, 272)[..., 0] // 2 + 60
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=12)
        stream.width, stream.height, stream.pix_fmt = 480, 272, "yuv420p"
        for number in range(count):
            if number % 2:  # on twos
                page[200:212, 40 + 8 * number : 46 + 8 * number] = 235
            frame = av.VideoFrame(480, 272, "yuv420p")
            for index in range(3):
                plane(frame, index, np.dtype(np.uint8))[:] = page if index == 0 else 128
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def test_a_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = screen(tmp_path / "screen.mkv")
    report = enhance_video(source, tmp_path / "a.mkv", model="photo-fast-x2", codec="ffv1")
    assert 0.8 < report.unchanged < 1
    monkeypatch.setattr(UnchangedStage, "__call__", lambda self, pixels: self._stage.window(pixels))
    plain = enhance_video(source, tmp_path / "b.mkv", model="photo-fast-x2", codec="ffv1")
    assert plain.unchanged == 0
    mine, theirs = (frames(tmp_path / name) for name in ("a.mkv", "b.mkv"))
    assert len(mine) == len(theirs) == 24
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_array_equal(a, b)
