"""Covers of MP4, M4V and Matroska in each other; the muxer of MOV leaves them out."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import av
import pytest

from crispen.enhance.api import enhance_video

from ...enhance.video.test_joining import SHORT, ffmpeg

pytestmark = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="FFmpeg's command line makes the clips"
)
RED = ("-f", "lavfi", "-i", "color=red:s=32x32")


def cover_in(path: Path) -> list[str]:
    """Checksums of the covers."""
    with av.open(str(path)) as file:
        found = []
        for stream in file.streams.video:
            if stream.disposition & av.stream.Disposition.attached_pic:
                content = next(bytes(p) for p in file.demux(stream) if p.size)
                found.append(hashlib.md5(content).hexdigest())
        return found


@pytest.fixture(params=["png", "mjpeg"])
def covered(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    codecs = ("-c:v:0", "libx264", "-c:v:1", request.param, "-frames:v:1", "1")
    shown = ("-map", "0", "-map", "1", *codecs, "-disposition:v:1", "attached_pic")
    ffmpeg(*SHORT, *RED, *shown, tmp_path / "a.mp4")
    return tmp_path / "a.mp4"


@pytest.mark.parametrize("suffix", [".mp4", ".m4v", ".mkv"])
def test_a_cover_goes_over_and_on(tmp_path: Path, covered: Path, suffix: str) -> None:
    first, second = tmp_path / f"b{suffix}", tmp_path / "c.mkv"
    assert enhance_video(covered, first, 1).notes == ()
    assert cover_in(first) == cover_in(covered) != []
    assert enhance_video(first, second, 1).notes == ()
    assert enhance_video(second, tmp_path / "d.mp4", 1).notes == ()
    assert cover_in(second) == cover_in(tmp_path / "d.mp4") == cover_in(covered)
    with av.open(str(second)) as file:
        (tags,) = [s.metadata for s in file.streams if "filename" in s.metadata]
    assert tags["filename"] in ("cover.png", "cover.jpg")


@pytest.mark.parametrize("suffix", [".mov", ".webm"])
def test_a_cover_that_cannot_be_kept_is_named(tmp_path: Path, covered: Path, suffix: str) -> None:
    (note,) = enhance_video(covered, tmp_path / f"b{suffix}", 1).notes
    assert note.startswith("attached picture stream #1")
    assert note.endswith(f"left out: {suffix} files cannot hold it")
    assert cover_in(tmp_path / f"b{suffix}") == []
