"""Some of the clips that ``make fuzz-video`` draws, and that its checks can fail."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import fuzz_video
import video_cases
import video_facts

needs_ffmpeg = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="FFmpeg's command line makes the clips"
)
# Each found a fault of its own, but for the last ones, which are quick and of many kinds.
FOUND = {
    8: "a bare stream of motion JPEG was taken for a picture",
    12: "languages that QuickTime's own list lacks were lost in MOV",
    44: "sound of which nothing can be read was lost in MP4 without a note",
    69: "streams that appear late in a damaged FLV were an IndexError",
    81: "ProRes segments in MOV began at whole milliseconds",
    192: "24-bit PCM in MP4 is noise for older players",
    200: "pixel aspect was lost in MKV where the size shown is whole; negative times",
    262: "the last packet of FLAC from NUT was cut off in MP4",
    264: "TTA copied into a longer MKV ended early",
}


@needs_ffmpeg
@pytest.mark.parametrize("seed", FOUND)
def test_a_random_clip(seed: int, tmp_path: Path) -> None:
    outcome = fuzz_video.conduct(seed, tmp_path)
    assert outcome.kind == "right", outcome.text()


@needs_ffmpeg
def test_what_is_wrong_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With times and tags that are not the clip's."""
    real = video_facts.Facts.times

    def late(self: video_facts.Facts, index: int) -> list[object]:
        times = real(self, index)
        if self.path.name.startswith("result"):
            return [t + 1 if t is not None else None for t in times]
        return list(times)

    monkeypatch.setattr(video_facts.Facts, "times", late)
    outcome = fuzz_video.conduct(57, tmp_path)
    assert outcome.kind == "wrong"
    assert "times differ, first of frame 0: 1.000000" in outcome.lines[0]
    assert "ffmpeg" in outcome.shell


def test_a_seed_is_the_same_case_each_time() -> None:
    assert video_cases.draw(5).shell() == video_cases.draw(5).shell()
    assert video_cases.draw(5).shell() != video_cases.draw(5, 1).shell()
