"""Real clips, codecs and pixel formats."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from crispen.media.video.container import Damage, probe, read_frames


@pytest.fixture
def clips(shared_data: Path) -> Path:
    return shared_data / "video"


# Read with another program (the sizes, rates and counts are those of the folder's README).
REAL = {
    "bigbuckbunny.mp4": (1280, 720, Fraction(25), 132),
    "bikes.mp4": (640, 272, Fraction(25), 250),
    "carphone_pristine.mp4": (176, 144, Fraction(30000, 1001), 120),
    "realshort.mp4": (320, 240, Fraction(45000, 1499), 36),
}


@pytest.mark.parametrize("name", REAL)
def test_real_clips(clips: Path, name: str) -> None:
    header = probe(clips / name)
    assert (header.width, header.height, header.rate, header.frames) == REAL[name]
    damage = Damage()
    stamps = [frame.pts for frame in read_frames(clips / name, damage)]
    assert len(stamps) == REAL[name][3]
    assert not damage
    assert header.start == stamps[0]


def test_looking_at_a_name_loads_no_ffmpeg() -> None:
    code = (
        "import sys, crispen.media.format_choice as v\n"
        "import crispen.media.video.container, crispen.enhance.video.making\n"
        "v.is_video_name('a.mp4')\n"
        "sys.exit(any(m in sys.modules for m in ('av', 'openvino', 'torch')))\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], check=False, env=env).returncode == 0
