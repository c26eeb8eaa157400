"""What a result keeps of clips that FFmpeg made: shape, light, rate and names."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from crispen.enhance.api import enhance_video
from crispen.errors import UsageError

from .test_joining import SHORT, Film, ffmpeg, film, near, times, told

__all__ = ["film"]

pytestmark = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="FFmpeg's command line makes the clips"
)


def stream_of(path: Path) -> dict[str, Any]:
    """What ffprobe says of the picture."""
    return next(s for s in told(path)["streams"] if s["codec_type"] == "video")


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [
        ("vp9", ".webm"),
        ("av1", ".webm"),
        ("av1", ".mkv"),
        ("ffv1", ".mkv"),
        ("prores", ".mkv"),
        ("prores", ".mov"),
        ("h264", ".mkv"),
    ],
)
def test_pixels_keep_their_shape(tmp_path: Path, film: Film, codec: str, suffix: str) -> None:
    aspect = ("-vf", "setsar=16/15", "-metadata:s:v", "title=Wide")
    source = film("wide.mkv", *aspect, "-c:v", "ffv1", inputs=SHORT)
    report = enhance_video(source, tmp_path / f"b{suffix}", 1, codec=codec)
    assert not any("shape" in note for note in report.notes)
    told_of = stream_of(tmp_path / f"b{suffix}")
    assert told_of["sample_aspect_ratio"] == "16:15"
    tags = {k.lower(): v for k, v in told_of["tags"].items()}
    assert tags["handler_name" if suffix == ".mov" else "title"] == "Wide"
    # FFmpeg finds nothing wrong with the file.
    assert (
        ffmpeg(
            "-xerror", "-err_detect", "explode", "-i", tmp_path / f"b{suffix}", "-f", "null", "-"
        )
        == b""
    )
    assert times(tmp_path / f"b{suffix}") == times(source)


@pytest.mark.parametrize(
    ("wish", "size", "aspect"),
    [
        ({"size": (128, 96)}, (128, 96), "1:1"),
        # 64x48 of pixels of 16:15 is shown as 68x48.
        ({"height": 96}, (136, 96), "1:1"),
        ({"scale": 2}, (128, 96), "16:15"),
    ],
)
def test_a_size_is_that_of_what_is_shown(
    tmp_path: Path, film: Film, wish: dict[str, Any], size: tuple[int, int], aspect: str
) -> None:
    source = film("wide.mp4", "-vf", "setsar=16/15", "-c:v", "libx264", inputs=SHORT)
    report = enhance_video(source, tmp_path / "b.mp4", model="espcn-x2", **wish)
    assert report.target_size == size
    assert stream_of(tmp_path / "b.mp4").get("sample_aspect_ratio", "1:1") == aspect


def gray(path: Path) -> NDArray[np.uint8]:
    """Luma of the first frame, as FFmpeg decodes it."""
    about = stream_of(path)
    raw = ffmpeg("-i", path, "-frames:v", 1, "-vf", "extractplanes=y", "-f", "rawvideo", "-")
    return np.frombuffer(raw, np.uint8).reshape(about["height"], about["width"])


@pytest.mark.parametrize(
    ("codec", "suffix", "size"),
    [("h264", ".mp4", (48, 64)), ("ffv1", ".mkv", (47, 63)), ("vp9", ".webm", (47, 63))],
)
def test_odd_sides_stay_or_are_padded_and_no_pixel_moves(
    tmp_path: Path, film: Film, codec: str, suffix: str, size: tuple[int, int]
) -> None:
    inputs = ("-f", "lavfi", "-i", "testsrc=s=63x47:r=25:d=0.2")
    source = film("odd.mkv", "-pix_fmt", "yuv420p", "-c:v", "ffv1", inputs=inputs)
    fine = {"crf": 1} if codec != "ffv1" else {}
    report = enhance_video(source, tmp_path / f"b{suffix}", 1, codec=codec, **fine)
    small, large = gray(source).astype(int), gray(tmp_path / f"b{suffix}").astype(int)
    assert (small.shape, large.shape) == ((47, 63), size)
    assert np.abs(large[:47, :63] - small).mean() < 1
    if codec == "h264":
        assert report.notes == ("63x47 is coded as 64x48: its edge is repeated",)
        assert np.abs(large[:47, 63] - small[:, 62]).mean() < 1
        assert np.abs(large[47, :63] - small[46]).mean() < 1


HDR = (
    "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:hdr10=1:repeat-headers=1:"
    "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):"
    "max-cll=1000,400:log-level=error"
)


def light(path: Path) -> dict[str, float]:
    """What ffprobe says of the first frame's light."""
    found: dict[str, float] = {}
    frames = told(path, "frame")["frames"]
    for side in frames[0].get("side_data_list", ()):
        if side["side_data_type"].startswith(("Mastering", "Content light")):
            found |= {k: float(Fraction(v)) for k, v in side.items() if k != "side_data_type"}
    return found


@pytest.mark.parametrize(("codec", "suffix"), [("hevc", ".mp4"), ("av1", ".webm")])
def test_hdr10_stays_hdr10_by_default(tmp_path: Path, film: Film, codec: str, suffix: str) -> None:
    form = ("-pix_fmt", "yuv420p10le", "-c:v", "libx265", "-x265-params", HDR)
    source = film("hdr.mp4", *form, inputs=SHORT)
    report = enhance_video(source, tmp_path / f"b{suffix}", 1)
    assert report.codec == codec
    assert report.notes == ()
    kept = stream_of(tmp_path / f"b{suffix}")
    assert (kept["pix_fmt"], kept["color_transfer"]) == ("yuv420p10le", "smpte2084")
    before = light(source)
    assert before["max_luminance"] == 1000
    assert light(tmp_path / f"b{suffix}") == pytest.approx(before, abs=1e-4)


def test_light_that_a_codec_is_not_given_is_named(tmp_path: Path, film: Film) -> None:
    form = ("-pix_fmt", "yuv420p10le", "-c:v", "libx265", "-x265-params", HDR)
    source = film("hdr.mp4", *form, inputs=SHORT)
    report = enhance_video(source, tmp_path / "b.mov", 1, codec="prores")
    assert "its HDR10 light levels data is left out: prores is not given it" in report.notes


def test_hlg_in_webm_stays_ten_bit(tmp_path: Path, film: Film) -> None:
    color = ("-color_primaries", "bt2020", "-color_trc", "arib-std-b67", "-colorspace", "bt2020nc")
    form = ("-pix_fmt", "yuv420p10le", "-c:v", "libvpx-vp9", "-deadline", "realtime")
    source = film("hlg.webm", *form, *color, inputs=SHORT)
    report = enhance_video(source, tmp_path / "b.webm", 1)
    assert (report.pixel_format, report.notes) == ("yuv420p10le", ())
    assert stream_of(tmp_path / "b.webm")["color_transfer"] == "arib-std-b67"


@pytest.mark.parametrize(
    ("name", "coder", "rate"),
    [
        ("a.264", "libx264", Fraction(30_000, 1001)),
        ("a.h264", "libx264", Fraction(50)),
        ("a.265", "libx265", Fraction(24_000, 1001)),
    ],
)
def test_bare_streams_have_their_own_rate(
    tmp_path: Path, film: Film, name: str, coder: str, rate: Fraction
) -> None:
    kind = "hevc" if coder == "libx265" else "h264"
    quiet = ("-x265-params", "log-level=error") if kind == "hevc" else ()
    source = film(name, "-r", rate, "-c:v", coder, *quiet, "-f", kind, inputs=SHORT)
    report = enhance_video(source, tmp_path / "b.mp4", 1)
    assert report.notes == ()
    shown = times(tmp_path / "b.mp4")
    assert len(shown) > 5
    assert near(shown, [n / rate for n in range(len(shown))])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.f4v", ("-c:v", "libx264", "-f", "mp4")),
        ("a.m2t", ("-c:v", "libx264", "-f", "mpegts")),
        ("a.trp", ("-c:v", "mpeg2video", "-f", "mpegts")),
        (
            "a.rm",
            (
                "-c:v",
                "rv20",
            ),
        ),
        ("a.video", ("-c:v", "libx264", "-f", "matroska")),
        ("a", ("-c:v", "libx264", "-f", "mp4")),
        ("bare", ("-c:v", "libx264", "-f", "h264")),
        ("bare-hevc", ("-c:v", "libx265", "-x265-params", "log-level=error", "-f", "hevc")),
        ("mpeg", ("-c:v", "mpeg2video", "-f", "mpeg2video")),
        ("mpeg4", ("-c:v", "mpeg4", "-f", "m4v")),
        ("blu-ray", ("-c:v", "libx264", "-mpegts_m2ts_mode", "1", "-f", "mpegts")),
        ("theora", ("-c:v", "libtheora", "-f", "ogg")),
        ("tape", ("-s", "720x576", "-pix_fmt", "yuv420p", "-c:v", "dvvideo", "-f", "dv")),
    ],
)
def test_further_kinds_of_files(
    tmp_path: Path, film: Film, name: str, options: tuple[str, ...]
) -> None:
    from crispen.enhance.batch import Options, enhance_all
    from crispen.enhance.request import Request

    source = film(name, *options, inputs=SHORT)
    target = tmp_path / "b.mp4"
    (done,) = enhance_all([str(source)], str(target), Options(Request(scale=1.0)))
    right = times(source)
    assert done.frames == len(right) >= 8  # Theora leaves out what is as before
    assert (done.models, done.codec, done.as_json()["codec"]) == ((), "h264", "h264")
    # Of broadcasts without a suffix `times` counts from where their clock began.
    begun = right[0] if name == "blu-ray" else 0
    assert near(times(target), [time - begun for time in right], Fraction(1, 1000))


def test_names_of_tracks_go_over(tmp_path: Path, film: Film) -> None:
    names = ("-metadata:s:v:0", "handler_name=Director")
    source = film("names.mp4", "-c:v", "libx264", *names, inputs=SHORT)
    for suffix, tag in ((".mp4", "handler_name"), (".mkv", "title")):
        enhance_video(source, tmp_path / f"b{suffix}", 1)
        tags = {k.lower(): v for k, v in stream_of(tmp_path / f"b{suffix}")["tags"].items()}
        assert tags[tag] == "Director"
    enhance_video(tmp_path / "b.mkv", tmp_path / "c.mp4", 1)
    assert stream_of(tmp_path / "c.mp4")["tags"]["handler_name"] == "Director"


@pytest.mark.parametrize("name", ["x265", "h265", "H.265"])
def test_other_names_of_codecs_are_known(tmp_path: Path, film: Film, name: str) -> None:
    source = film("plain.mp4", "-c:v", "libx264", inputs=SHORT)
    with pytest.raises(UsageError, match="did you mean hevc"):
        enhance_video(source, tmp_path / "b.mp4", 1, codec=name)


def test_sizes_that_a_codec_refuses_are_told_before_work(tmp_path: Path, film: Film) -> None:
    source = film("plain.mp4", "-c:v", "libx264", inputs=SHORT)
    with pytest.raises(UsageError, match=r"hevc does not encode 8x8 .*too small.*another size"):
        enhance_video(source, tmp_path / "b.mp4", size=(8, 8), codec="hevc")
    assert list(tmp_path.iterdir()) == []
