"""Animated pictures to videos and back: their times, colours, and what one cannot hold."""

from __future__ import annotations

import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from crispen.enhance.api import enhance_video
from crispen.enhance.batch import Options, enhance_all
from crispen.enhance.request import Request
from crispen.errors import Cancelled, UsageError
from crispen.media.image import read_image
from crispen.media.video import animation
from crispen.media.video.container import probe

from .clips import MODEL, QUARTER_TURN, make_clip, names, times
from .test_segments import stop_after

needs_ffmpeg = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="FFmpeg's command line says what is right"
)
KINDS = (".gif", ".webp", ".apng", ".avif")
DELAYS_MS = (40, 100, 250, 70, 500)


def animated(path: Path, delays: tuple[int, ...] = DELAYS_MS, *, clear: bool = False) -> Path:
    """An animated picture with a square that moves, of which the ground may be transparent."""
    frames = []
    for number in range(len(delays)):
        pixels = np.zeros((32, 48, 4), np.uint8)
        pixels[..., :3], pixels[..., 3] = (200, 60, 30), 0 if clear else 255
        pixels[8:24, 4 + 4 * number : 20 + 4 * number] = (20, 90, 220, 255)
        frames.append(PIL.Image.fromarray(pixels))
    if not clear:
        frames = [frame.convert("RGB") for frame in frames]
    kind = {".apng": "PNG"}.get(path.suffix, path.suffix[1:].upper())
    more: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    frames[0].save(
        path, kind, save_all=True, append_images=frames[1:], duration=list(delays), loop=0, **more
    )
    return path


def ends_ms(path: Path) -> list[int]:
    """When each frame of an animated picture ends, as Pillow reads it."""
    with PIL.Image.open(path) as picture:
        delays = []
        for number in range(picture.n_frames):  # type: ignore[attr-defined]
            picture.seek(number)
            picture.load()
            delays.append(picture.info["duration"])
    return [round(n) for n in np.cumsum(delays)]


def shown_by_ffmpeg(path: Path, width: int, height: int) -> NDArray[np.int16]:
    """``(frames, height, width, 3)``: all frames in R'G'B', upright, as FFmpeg shows them."""
    flags = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
    done = subprocess.run(
        [
            *("ffmpeg", "-v", "error", "-i", str(path), "-fps_mode", "passthrough"),
            *("-vf", f"scale={width}:{height}:flags={flags},format=rgb24"),
            *("-f", "rawvideo", "-"),
        ],
        capture_output=True,
        check=True,
    )
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width, 3).astype(np.int16)


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mkv", ".mov"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_becomes_a_video_with_its_times(tmp_path: Path, kind: str, suffix: str) -> None:
    source = animated(tmp_path / f"a{kind}")
    report = enhance_video(source, tmp_path / f"b{suffix}", model=MODEL)
    begins = [Fraction(0), *(Fraction(int(end), 1000) for end in np.cumsum(DELAYS_MS)[:-1])]
    assert times(tmp_path / f"b{suffix}") == begins
    assert report.source == source
    assert report.target_size == (96, 64)
    header = probe(tmp_path / f"b{suffix}")
    assert header.format.planar.chroma == "420"
    if suffix in (".mp4", ".mov"):  # how long the last frame is shown
        assert header.length == Fraction(sum(DELAYS_MS), 1000)
    assert names(tmp_path) == [f"a{kind}", f"b{suffix}"]


@pytest.mark.parametrize("delays", [(40, 100, 250), (0, 10, 20, 30), (70,) * 5])
def test_times_of_a_gif_are_those_that_ffmpeg_reads(
    tmp_path: Path, delays: tuple[int, ...]
) -> None:
    source = animated(tmp_path / "a.gif", delays)
    enhance_video(source, tmp_path / "b.mp4", 1)
    assert times(tmp_path / "b.mp4") == times(source)


def test_colours_of_a_picture_stay(tmp_path: Path) -> None:
    source = animated(tmp_path / "a.gif")
    enhance_video(source, tmp_path / "b.mkv", 1, codec="ffv1")
    enhance_video(tmp_path / "b.mkv", tmp_path / "c.apng", 1)
    before, after = (read_image(tmp_path / n).pixels.astype(np.int16) for n in ("a.gif", "c.apng"))
    assert np.abs(before[..., :3] - after[..., :3]).max() <= 2


def test_transparency_becomes_white_and_is_told(tmp_path: Path) -> None:
    source = animated(tmp_path / "a.webp", clear=True)
    report = enhance_video(source, tmp_path / "b.mkv", 1, codec="ffv1")
    assert "its transparency becomes white" in report.notes
    enhance_video(tmp_path / "b.mkv", tmp_path / "c.apng", 1)
    frame = read_image(tmp_path / "c.apng").frame(0)
    assert frame[2, 2, :3].min() >= 254
    opaque = enhance_video(animated(tmp_path / "d.webp"), tmp_path / "e.mkv", 1)
    assert not any("transparency" in note for note in opaque.notes)


def test_one_picture_is_no_video(tmp_path: Path) -> None:
    PIL.Image.new("RGB", (48, 32)).save(tmp_path / "a.png")
    with pytest.raises(UsageError, match=r"holds one picture and no animation; name a picture"):
        enhance_video(tmp_path / "a.png", tmp_path / "b.mp4")


@pytest.mark.parametrize("kind", KINDS)
def test_times_of_a_video_stay_and_no_error_adds_up(tmp_path: Path, kind: str) -> None:
    stamps = [0, 1001, 2002, 3003, 5005, 9009, 10010, 12012, 13013]  # of 24000
    source = make_clip(tmp_path / "a.mp4", stamps, time_base=Fraction(1, 24000))
    report = enhance_video(source, tmp_path / f"b{kind}", model=MODEL)
    assert (report.frames, report.target_size) == (9, (96, 64))
    tick = 10 if kind == ".gif" else 1
    expected = [tick * round(Fraction(s * 1000, 24000 * tick)) for s in stamps]
    assert ends_ms(tmp_path / f"b{kind}")[:-1] == expected[1:]
    assert names(tmp_path) == ["a.mp4", f"b{kind}"]


@needs_ffmpeg
@pytest.mark.parametrize("matrix", [None, QUARTER_TURN, (-65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)])
@pytest.mark.parametrize("color", [(1, 1, 1, 1), (6, 6, 6, 2)])
def test_colours_of_a_video_are_those_that_ffmpeg_shows(
    tmp_path: Path, color: tuple[int, int, int, int], matrix: tuple[int, ...] | None
) -> None:
    source = make_clip(tmp_path / "a.mp4", color=color, matrix=matrix)
    enhance_video(source, tmp_path / "b.apng", 1)
    size = (32, 48) if matrix == QUARTER_TURN else (48, 32)
    shown = shown_by_ffmpeg(source, *size)
    made = read_image(tmp_path / "b.apng").pixels[..., :3].reshape(shown.shape)
    assert np.abs(made - shown).mean() < 1


def test_pixels_become_square(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", pixel_aspect=Fraction(4, 3))
    report = enhance_video(source, tmp_path / "b.gif", model=MODEL)
    assert report.target_size == (128, 64)


def test_sound_is_left_out_and_told(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mkv", audio=[("aac", 0, 0.4)], subtitles=[("subrip", "eng")])
    report = enhance_video(source, tmp_path / "b.gif", 1)
    assert report.notes == ("its sound and subtitles are left out: GIF holds pictures alone",)


def test_segments_do_not_matter(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4")
    for name, seconds in (("b.gif", 10.0), ("c.gif", 0.1)):
        enhance_video(source, tmp_path / name, model=MODEL, segment_s=seconds)
    assert (tmp_path / "b.gif").read_bytes() == (tmp_path / "c.gif").read_bytes()


def test_work_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4")
    enhance_video(source, tmp_path / "whole.webp", model=MODEL, segment_s=0.1)
    with pytest.raises(Cancelled, match="to continue"):
        enhance_video(
            *(source, tmp_path / "b.webp"), model=MODEL, segment_s=0.1, progress=stop_after(7)
        )
    report = enhance_video(source, tmp_path / "b.webp", model=MODEL, segment_s=0.1)
    assert report.resumed_frames > 0
    assert (tmp_path / "b.webp").read_bytes() == (tmp_path / "whole.webp").read_bytes()


def test_a_gif_shows_at_most_50_frames_a_second(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", range(0, 60 * 256, 256), time_base=Fraction(1, 15360))
    report = enhance_video(clip, tmp_path / "b.gif", 1)
    assert any("at most 50 frames a second" in note for note in report.notes)
    ends = ends_ms(tmp_path / "b.gif")  # equal frames are one
    assert ends[:32] == list(range(20, 641, 20))
    assert ends[-1] == report.frames * 20
    assert enhance_video(clip, tmp_path / "b.webp", 1).frames == 60


@pytest.mark.parametrize("option", ["codec", "crf", "preset", "pix_fmt"])
def test_options_of_codecs_are_refused(tmp_path: Path, option: str) -> None:
    source = make_clip(tmp_path / "a.mp4")
    value: Any = {"codec": "h264", "crf": 20.0, "preset": "fast", "pix_fmt": "yuv420p"}[option]
    with pytest.raises(UsageError, match=f"--{option.replace('_', '-')} is for videos"):
        enhance_video(source, tmp_path / "b.gif", **{option: value})


def test_what_no_picture_holds_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hdr = make_clip(tmp_path / "a.mkv", fmt="yuv420p10le", codec="ffv1", color=(9, 9, 16, 1))
    with pytest.raises(UsageError, match="is HDR"):
        enhance_video(hdr, tmp_path / "b.gif")
    monkeypatch.setattr(animation, "MAX_PIXELS", 12 * 96 * 64 - 1)
    with pytest.raises(UsageError, match=r"12 frames of 96x64 are too many .*--duration"):
        enhance_video(make_clip(tmp_path / "c.mp4"), tmp_path / "b.gif")


def test_the_command_takes_a_pictures_quality(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4")
    for quality in (20, 95):
        options = Options(Request(scale=1, quality=quality))
        (done,) = enhance_all([str(source)], str(tmp_path / f"{quality}.webp"), options)
        assert (done.status, done.codec) == ("done", "webp")
    small, large = ((tmp_path / f"{q}.webp").stat().st_size for q in (20, 95))
    assert small < 0.7 * large


def test_the_command_makes_a_video_of_a_gif(tmp_path: Path) -> None:
    source = animated(tmp_path / "a.gif")
    options = Options(Request(scale=2, models=(MODEL,), crf=30.0))
    (done,) = enhance_all([str(source)], str(tmp_path / "b.mp4"), options)
    assert (done.status, done.codec, done.frames) == ("done", "h264", 5)
