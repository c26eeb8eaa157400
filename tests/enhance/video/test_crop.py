"""A rectangle of a clip: the pixels that are shown there, and nothing else is changed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from crispen.enhance.api import enhance_video
from crispen.errors import Cancelled, UsageError
from crispen.media.video.container import Damage, probe, read_frames

from .clips import MODEL, frames, make_clip, names, times
from .test_joining import Film, ffmpeg, film
from .test_segments import stop_after

__all__ = ["film"]

needs_ffmpeg = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="FFmpeg's command line makes the clips"
)
MOVING = ("-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=1")


def planes(path: Path) -> list[list[NDArray[Any]]]:
    """All samples of all frames."""
    return [[_samples(f, p) for p in f.planes] for f in read_frames(path, Damage())]


def _samples(frame: av.VideoFrame, plane: Any) -> NDArray[Any]:
    dtype = np.uint8 if frame.format.components[0].bits == 8 else np.uint16
    rows = np.frombuffer(plane, dtype).reshape(plane.height, -1)
    return rows[:, : plane.width].copy()


@pytest.mark.parametrize("full", [0, 2])
@pytest.mark.parametrize(
    ("fmt", "crop"),
    [
        ("yuv420p", "32x16+10+6"),
        ("yuv420p10le", "16:32:32:0"),
        ("yuv422p", "20:15:6:17"),
        ("yuv444p", "21:13:7:5"),
        ("gray", "48:1:0:31"),
    ],
)
def test_samples_are_those_of_the_source(tmp_path: Path, fmt: str, crop: str, full: int) -> None:
    tags = (1, 1, 1, full)
    source = make_clip(tmp_path / "a.mkv", fmt=fmt, codec="ffv1", color=tags)
    report = enhance_video(source, tmp_path / "b.mkv", 1, codec="ffv1", crop=crop)
    width, height, left, top = map(int, crop.replace("x", ":").replace("+", ":").split(":"))
    assert report.target_size == (width, height)
    across, down = {"yuv420p": (2, 2), "yuv420p10le": (2, 2), "yuv422p": (2, 1)}.get(fmt, (1, 1))
    made, whole = planes(tmp_path / "b.mkv"), planes(source)
    assert len(made) == len(whole) == 12
    for mine, theirs in zip(made, whole, strict=True):
        for number, (part, all_of_it) in enumerate(zip(mine, theirs, strict=True)):
            x, y = (across, down) if number else (1, 1)
            right = all_of_it[top // y :, left // x :][: height // y, : width // x]
            assert np.array_equal(part, right)
    header = probe(tmp_path / "b.mkv")
    assert header.color.matrix == 1
    assert header.color.range == (full or probe(source).color.range)
    assert times(tmp_path / "b.mkv") == times(source)


@needs_ffmpeg
def test_it_comes_before_everything_else(tmp_path: Path, film: Film) -> None:
    """The result is that of a clip that was cropped before."""
    source = film("a.mkv", "-c:v", "ffv1", "-pix_fmt", "yuv420p", inputs=MOVING)
    before = film(
        "cut.mkv",
        "-vf",
        "format=yuv420p,crop=60:40:20:14",
        "-c:v",
        "ffv1",
        "-pix_fmt",
        "yuv420p",
        inputs=MOVING,
    )
    some: dict[str, Any] = {"model": MODEL, "codec": "ffv1", "deinterlace": "off"}
    enhance_video(source, tmp_path / "b.mkv", 2, crop="60:40:20:14", **some)
    enhance_video(before, tmp_path / "right.mkv", 2, **some)
    made, right = planes(tmp_path / "b.mkv"), planes(tmp_path / "right.mkv")
    assert all(
        np.array_equal(a, b)
        for m, r in zip(made, right, strict=True)
        for a, b in zip(m, r, strict=True)
    )
    report = enhance_video(source, tmp_path / "wide.mkv", crop="60x40+20+14", width=90, **some)
    assert report.target_size == (90, 60)


@needs_ffmpeg
@pytest.mark.parametrize(
    "turn",
    # Where one column and one row further lead when it is shown.
    [
        *[(1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0)],
        *[(-1, 0, 0, 1), (1, 0, 0, -1), (0, 1, 1, 0), (0, -1, -1, 0)],
    ],
    ids=str,
)
def test_it_is_the_rectangle_that_is_shown(tmp_path: Path, turn: tuple[int, ...]) -> None:
    a, b, c, d = (65536 * n for n in turn)
    matrix = (a, b, 0, c, d, 0, 0, 0, 1 << 30)
    some: dict[str, Any] = {"size": (96, 64), "options": {"qp": "0"}, "matrix": matrix}
    source = make_clip(tmp_path / "a.mp4", **some)
    # FFmpeg's filters see the clip as it is shown.
    right = ffmpeg(
        "-i", source, "-vf", "crop=40:30:16:24", "-pix_fmt", "gray", "-f", "rawvideo", "-"
    )
    enhance_video(source, tmp_path / "b.mov", 1, codec="h264", crf=0, crop="40:30:16:24")
    made = ffmpeg("-i", tmp_path / "b.mov", "-pix_fmt", "gray", "-f", "rawvideo", "-")
    one, other = (np.frombuffer(b, np.uint8).reshape(-1, 30, 40).astype(int) for b in (made, right))
    assert len(one) == len(other) == 12
    assert np.abs(one - other).max() <= 3


@needs_ffmpeg
def test_fields_are_joined_before(tmp_path: Path, film: Film) -> None:
    weave = ("-vf", "interlace=scan=tff:lowpass=off", "-flags", "+ildct")
    lossless = ("-c:v", "ffv1", "-pix_fmt", "yuv420p")
    moving = ("-f", "lavfi", "-i", "testsrc2=s=96x64:r=50:d=3")
    source = film("fields.mkv", *weave, *lossless, inputs=moving)
    report = enhance_video(source, tmp_path / "whole.mkv", 1, codec="ffv1")
    assert any("interlaced" in note for note in report.notes)
    enhance_video(source, tmp_path / "b.mkv", 1, codec="ffv1", crop="40:30:16:2")
    pairs = zip(frames(tmp_path / "b.mkv"), frames(tmp_path / "whole.mkv"), strict=True)
    assert all(np.array_equal(a, b[2:32, 16:56]) for a, b in pairs)


def test_another_rectangle_starts_again_and_the_same_goes_on(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", range(0, 512 * 40, 512))
    some: dict[str, Any] = {"segment_s": 0.4, "start": 0.1, "fps": 30}
    enhance_video(source, tmp_path / "whole.mp4", 1, crop="20:10:4:6", **some)
    for crop, resumed in (("20:10:4:6", 24), ("20:10:4:8", 0)):
        with pytest.raises(Cancelled):
            enhance_video(
                source,
                tmp_path / "b.mp4",
                1,
                crop="20:10:4:6",
                overwrite=True,
                progress=stop_after(25),
                **some,
            )
        report = enhance_video(source, tmp_path / "b.mp4", 1, crop=crop, overwrite=True, **some)
        assert report.resumed_frames == resumed
        same = (tmp_path / "b.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()
        assert same is bool(resumed)


@pytest.mark.parametrize(
    ("crop", "told"),
    [
        ("40:30:10:0", r"^crop 40:30:10:0 reaches beyond the picture, which is 48x32; choose a"),
        ("40:20:0:14", "^crop 40:20:0:14 reaches beyond the picture"),
        ("21:20:0:0", "^crop 21:20:0:0: width and left edge must be even, since this clip has one"),
        ("20:20:3:0", "width and left edge must be even, .* one sample of colour for 2x2 pixels$"),
        ("20x20+2+3", "^crop 20:20:2:3: height and top edge must be even"),
        ("0:10:0:0", r"^crop: '0:10:0:0' is not a rectangle; write WIDTH:HEIGHT:LEFT:TOP \(640"),
        ("10:10", "is not a rectangle"),
        ("-4:10:0:0", "is not a rectangle"),
        ("a", "is not a rectangle"),
    ],
)
def test_what_cannot_be_cut_out_is_refused(tmp_path: Path, crop: str, told: str) -> None:
    source = make_clip(tmp_path / "a.mp4")
    with pytest.raises(UsageError, match=told):
        enhance_video(source, tmp_path / "b.mp4", 1, crop=crop)
    assert names(tmp_path) == ["a.mp4"]


def test_of_a_turned_clip_the_edges_are_those_that_are_shown(tmp_path: Path) -> None:
    matrix = (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)
    source = make_clip(tmp_path / "a.mkv", fmt="yuv422p", codec="ffv1")
    turned = make_clip(tmp_path / "t.mp4", fmt="yuv422p", options={"qp": "12"}, matrix=matrix)
    with pytest.raises(UsageError, match="width and left edge must be even"):
        enhance_video(source, tmp_path / "b.mkv", 1, crop="21:21:0:1")
    with pytest.raises(UsageError, match=r"height and top edge must be even, .*for 1x2 pixels"):
        enhance_video(turned, tmp_path / "b.mp4", 1, crop="20:20:1:1")
    assert enhance_video(turned, tmp_path / "b.mp4", 1, crop="21:20:1:2").target_size == (20, 21)
