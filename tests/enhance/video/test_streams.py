"""Which streams go over with a picture: those that FFmpeg's -map takes for the same wish."""

from __future__ import annotations

from pathlib import Path

import pytest

from crispen.enhance.api import enhance_video
from crispen.errors import UsageError

from .test_joining import PICTURE, SRT, TONE, Film, ffmpeg, film, packets, pytestmark, streams

__all__ = ["film", "pytestmark"]


@pytest.fixture
def source(film: Film, tmp_path: Path) -> Path:
    """A picture, two languages of sound, a line of text."""
    (tmp_path / "a.srt").write_text(SRT)
    options = ("-map", "0:v", "-map", "1:a", "-map", "1:a", "-map", "2:s", "-c:v", "libx264")
    tags = ("-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=fra", "-c:a:1", "flac")
    inputs = (*PICTURE, *TONE, "-i", tmp_path / "a.srt")
    return film("streams.mkv", *options, *tags, inputs=inputs)


@pytest.mark.parametrize(
    ("wish", "maps"),
    [
        ("all", ["0"]),
        ("video", ["0:v"]),
        ("0,2", ["0:0", "0:2"]),
        ("audio:eng", ["0:v", "0:a:m:language:eng"]),
        ("subtitle,audio:fra", ["0:v", "0:a:m:language:fra", "0:s"]),
    ],
)
def test_streams_are_those_of_ffmpegs_map(
    source: Path, tmp_path: Path, wish: str, maps: list[str]
) -> None:
    report = enhance_video(source, tmp_path / "b.mkv", 1, streams=wish)
    options = [part for one in maps for part in ("-map", one)]
    ffmpeg("-i", source, *options, "-c", "copy", tmp_path / "right.mkv")
    assert streams(tmp_path / "b.mkv")[1:] == streams(tmp_path / "right.mkv")[1:]
    assert report.streams_copied == len(streams(tmp_path / "right.mkv")) - 1
    for kind in {kind for kind, _, _ in streams(tmp_path / "b.mkv")[1:]}:
        assert packets(tmp_path / "b.mkv", kind) == packets(tmp_path / "right.mkv", kind)
    assert report.notes == ()


def test_a_stream_that_is_not_there(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"it has no stream 9; it has video stream #0"):
        enhance_video(source, tmp_path / "b.mkv", 1, streams="9")
    with pytest.raises(UsageError, match="'sound' is not a choice of streams; write all, video"):
        enhance_video(source, tmp_path / "b.mkv", 1, streams="sound")
    report = enhance_video(source, tmp_path / "b.mkv", 1, streams="audio:deu")
    assert report.notes == ("no stream is audio:deu",)
    assert [kind for kind, _, _ in streams(tmp_path / "b.mkv")] == ["video"]
