"""Timecodes count as FFmpeg counts them, which writes them into QuickTime files as numbers."""

from __future__ import annotations

import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import pytest

from crispen.enhance.api import enhance_video
from crispen.media.video.timecode import advanced, with_timecode

needs_ffmpeg = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="FFmpeg's command line makes the clips"
)
NTSC = Fraction(30_000, 1001)


@pytest.mark.parametrize(
    ("code", "frames", "rate", "later"),
    [
        ("01:00:00:00", 25, Fraction(25), "01:00:01:00"),
        ("00:59:59:24", 1, Fraction(25), "01:00:00:00"),
        ("23:59:59:23", 1, Fraction(24_000, 1001), "00:00:00:00"),
        # ST 12-1: two labels are left out each minute, but for each tenth.
        ("00:00:59;29", 1, NTSC, "00:01:00;02"),
        ("00:09:59;29", 1, NTSC, "00:10:00;00"),
        ("00:10:00;00", 1800, NTSC, "00:11:00;02"),
        ("00:00:00;00", 17_982, NTSC, "00:10:00;00"),
        ("00:00:00;00", 107_892, NTSC, "01:00:00;00"),
        ("00:00:59:29", 1, NTSC, "00:01:00:00"),
        ("00:00:59;59", 1, Fraction(60_000, 1001), "00:01:00;04"),
        ("not one", 5, Fraction(25), "not one"),
    ],
)
def test_labels_of_later_frames(code: str, frames: int, rate: Fraction, later: str) -> None:
    assert advanced(code, frames, rate) == later


def test_only_timecodes_of_parts_are_changed() -> None:
    tags = {"TIMECODE": "01:00:00:00", "title": "01:00:00:00"}
    assert with_timecode(tags, 50, Fraction(25)) == tags | {"TIMECODE": "01:00:02:00"}
    assert with_timecode(tags, 0, Fraction(25)) == with_timecode(tags, 9, None) == tags


@needs_ffmpeg
@pytest.mark.parametrize(
    ("code", "rate", "skipped"),
    [
        ("10:00:00:00", "25", 15),
        ("00:00:59;20", "30000/1001", 18),
        ("00:09:59;20", "30000/1001", 18),
        ("00:00:59;50", "60000/1001", 36),
        ("00:00:59:20", "24000/1001", 15),
    ],
)
def test_a_part_begins_with_its_own_timecode(
    tmp_path: Path, code: str, rate: str, skipped: int
) -> None:
    """FFmpeg's muxer turns the text into a number of frames; ours must lie so many further."""
    source, target = tmp_path / "a.mov", tmp_path / "b.mov"
    picture = ("-f", "lavfi", "-i", f"testsrc2=s=64x48:r={rate}:d=1", "-c:v", "libx264")
    command = ["ffmpeg", "-nostdin", "-v", "error", *picture, "-timecode", code, str(source)]
    subprocess.run(command, check=True)
    numbers = []
    enhance_video(source, target, 1, start="0.6")
    for path in (source, target):
        with av.open(str(path)) as file:
            (stream,) = [s for s in file.streams if s.type == "data"]
            packet = next(p for p in file.demux(stream) if p.size)
            numbers.append(int.from_bytes(bytes(packet), "big"))
    assert numbers[1] - numbers[0] == skipped
