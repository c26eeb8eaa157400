"""Frames at a constant rate: those that FFmpeg's ``fps`` filter gives, each computed once."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crispen.enhance.api import enhance_video
from crispen.enhance.video.frames import FrameEnhancer
from crispen.errors import Cancelled, UsageError

from .clips import MODEL, frames, make_clip, payload, times
from .test_joining import ffmpeg, told
from .test_segments import stop_after

needs_ffmpeg = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="FFmpeg's command line makes the clips"
)
# Uneven, with a gap of half a second and frames a millisecond apart.
UNEVEN = [0, 40, 41, 90, 333, 350, 850, 870, 880, 1001, 1040, 1500]


@needs_ffmpeg
@pytest.mark.parametrize("rate", ["25", "30000/1001", "60", "12.5", "7", "1", "100"])
@pytest.mark.parametrize(
    "stamps", [UNEVEN, [40 * n for n in range(40)], [0, 500]], ids=["uneven", "25", "2"]
)
def test_frames_are_those_of_ffmpeg(tmp_path: Path, rate: str, stamps: list[int]) -> None:
    source = make_clip(tmp_path / "a.mkv", stamps, time_base=Fraction(1, 1000), codec="ffv1")
    ffmpeg("-i", source, "-vf", f"fps={rate}", "-c:v", "ffv1", tmp_path / "right.mkv")
    report = enhance_video(source, tmp_path / "b.mkv", 1, codec="ffv1", fps=rate)
    made, right = frames(tmp_path / "b.mkv"), frames(tmp_path / "right.mkv")
    assert len(made) == len(right) == report.frames
    assert all(np.array_equal(a, b) for a, b in zip(made, right, strict=True))
    enhance_video(source, tmp_path / "b.mp4", 1, fps=rate)
    assert times(tmp_path / "b.mp4") == [n / Fraction(rate) for n in range(len(right))]


def test_a_clip_of_one_short_frame_keeps_it(tmp_path: Path) -> None:
    """Of which FFmpeg leaves nothing."""
    source = make_clip(tmp_path / "a.mkv", [0], time_base=Fraction(1, 1000), codec="ffv1")
    assert enhance_video(source, tmp_path / "b.mp4", 1, fps=1).frames == 1
    assert times(tmp_path / "b.mp4") == [0]


@needs_ffmpeg
@pytest.mark.parametrize("rate", [Fraction(30000, 1001), 10, 23.976])
def test_length_and_sound_stay_and_the_file_says_its_rate(tmp_path: Path, rate: Any) -> None:
    source = make_clip(tmp_path / "a.mp4", range(0, 512 * 75, 512), audio=[("aac", 0.0, 3.0)])
    target = tmp_path / "b.mp4"
    enhance_video(source, target, 1, fps=rate)
    exact = Fraction(str(rate))
    video = next(s for s in told(target)["streams"] if s["codec_type"] == "video")
    assert Fraction(video["avg_frame_rate"]) == Fraction(video["r_frame_rate"]) == exact
    assert float(video["duration"]) == pytest.approx(3, abs=0.5 / float(exact))
    assert payload(target, "audio") == payload(source, "audio")


@pytest.mark.parametrize(("rate", "computed", "count"), [(60, 40, 96), (5, 8, 8), (25, 40, 40)])
def test_no_frame_is_computed_twice_and_none_in_vain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: int, computed: int, count: int
) -> None:
    source = make_clip(tmp_path / "a.mp4", range(0, 512 * 40, 512))
    whole = FrameEnhancer.__call__
    seen = []

    def counted(self: FrameEnhancer, frame: Any) -> Any:
        seen.append(frame.pts)
        return whole(self, frame)

    monkeypatch.setattr(FrameEnhancer, "__call__", counted)
    report = enhance_video(source, tmp_path / "b.mp4", 2, model=MODEL, fps=rate)
    assert (len(seen), len(set(seen)), report.frames) == (computed, computed, count)


@pytest.mark.parametrize("rate", ["30000/1001", "60", "9"])
def test_resumed_is_the_same_file(tmp_path: Path, rate: str) -> None:
    stamps = [512 * n + (n % 3) * 7 for n in range(60)]
    source = make_clip(tmp_path / "a.mp4", stamps, audio=[("aac", 0.0, 2.4)])
    some: dict[str, Any] = {"segment_s": 0.45, "fps": rate, "start": 0.3, "model": MODEL}
    enhance_video(source, tmp_path / "whole.mp4", 2, **some)
    with pytest.raises(Cancelled, match="same command again"):
        enhance_video(
            source, tmp_path / "b.mp4", 2, progress=stop_after(round(int(rate[:2]) * 1.2)), **some
        )
    report = enhance_video(source, tmp_path / "b.mp4", 2, **some)
    assert 0 < report.resumed_frames < report.frames
    assert (tmp_path / "b.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert times(tmp_path / "b.mp4")[0] == 0


@pytest.mark.parametrize(
    "rate", [0, -5, "x", "1/0", 1001, float("inf"), "1e2", "1234567/50000", ""]
)
def test_what_is_no_rate_is_refused(tmp_path: Path, rate: Any) -> None:
    with pytest.raises(UsageError, match=r"^fps: '.*' is not a number of frames per second; write"):
        enhance_video(tmp_path / "a.mp4", tmp_path / "b.mp4", 1, fps=rate)
