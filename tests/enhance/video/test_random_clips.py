"""Faults that random clips have shown (``make fuzz-video``), each by itself."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import pytest

from crispen.enhance.api import enhance_video
from crispen.enhance.video.making import VideoReport
from crispen.errors import InputError

from .test_joining import (
    PICTURE,
    SHORT,
    TONE,
    Film,
    ffmpeg,
    film,
    levels,
    near,
    streams,
    times,
    told,
)

__all__ = ["film"]

pytestmark = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="FFmpeg's command line makes the clips"
)
MS = Fraction(1, 1000)
TWO_TONES = (*SHORT, *TONE, *TONE)


def enhance(source: Path, target: Path, **options: object) -> VideoReport:
    """The result of a scale of 1, for which no network runs."""
    return enhance_video(source, target, 1, preset=None, **options)  # type: ignore[arg-type]


def test_a_bare_stream_of_motion_jpeg_is_a_video(tmp_path: Path, film: Film) -> None:
    source = film("a.mjpeg", "-c:v", "mjpeg", inputs=SHORT)
    assert enhance(source, tmp_path / "b.mp4").frames == 10
    assert near(times(tmp_path / "b.mp4"), [Fraction(n, 25) for n in range(10)])


@pytest.mark.parametrize("language", ["deu", "ukr", "eng"])
def test_languages_beyond_quicktimes_list_go_into_mov(
    tmp_path: Path, film: Film, language: str
) -> None:
    tags = ("-metadata:s:v", f"language={language}", "-metadata:s:a:1", f"language={language}")
    options = ("-map", "0", "-map", "1", "-map", "2", "-c:v", "libx264", "-c:a", "aac", *tags)
    source = film(f"{language}.mkv", *options, inputs=TWO_TONES)
    enhance(source, tmp_path / "b.mov")
    kept = [s["tags"].get("language") for s in told(tmp_path / "b.mov")["streams"]]
    assert kept == [language, "und", language] or kept == [language, None, language]


def test_sound_that_cannot_be_read_is_named(tmp_path: Path, film: Film) -> None:
    late = (*SHORT, "-itsoffset", "3", *TONE)
    whole = film("late.mkv", "-c:v", "mpeg4", "-c:a", "ac3", inputs=late)
    parts = told(whole, "packet=stream_index,pos")["packets"]
    first = min(int(p["pos"]) for p in parts if p["stream_index"] == 1)
    source = tmp_path / "cut.mkv"
    source.write_bytes(whole.read_bytes()[: first - 20])
    report = enhance(source, tmp_path / "b.mp4")
    assert "audio stream #1 (ac3) left out: it is empty" in report.notes
    assert [kind for kind, _, _ in streams(tmp_path / "b.mp4")] == ["video"]


def test_segments_of_prores_keep_exact_times(tmp_path: Path, film: Film) -> None:
    inputs = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=30000/1001:d=1")
    source = film("ntsc.mov", "-c:v", "prores_ks", inputs=inputs)
    enhance(source, tmp_path / "b.mov", codec="prores", segment_s=0.3)
    assert times(tmp_path / "b.mov") == [n * Fraction(1001, 30_000) for n in range(30)]


@pytest.mark.parametrize("codec", ["av1", "ffv1"])
def test_pixels_of_which_a_row_has_a_whole_width_keep_their_shape(
    tmp_path: Path, film: Film, codec: str
) -> None:
    inputs = ("-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=0.2")
    source = film("wide.mkv", "-vf", "setsar=4/3", "-c:v", "ffv1", inputs=inputs)
    enhance(source, tmp_path / "b.mkv", codec=codec)
    assert told(tmp_path / "b.mkv")["streams"][0]["sample_aspect_ratio"] == "4:3"


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_frames_before_zero_are_shown(tmp_path: Path, film: Film, suffix: str) -> None:
    """In MP4 they would be cut off; FFmpeg's command line lets such clips begin at zero, too."""
    early = ("-output_ts_offset", "-0.2", "-avoid_negative_ts", "disabled")
    source = film("early.mkv", "-c:v", "ffv1", "-c:a", "aac", *early, "-shortest")
    assert times(source)[0] == Fraction(-1, 5)
    report = enhance(source, tmp_path / f"b{suffix}")
    assert report.notes == ()
    shown = times(tmp_path / f"b{suffix}")
    lead = shown[0]  # in Matroska, of the sound that an AAC decoder needs before
    assert lead <= (Fraction(25, 1000) if suffix == ".mkv" else 0)
    assert near(shown, [Fraction(n, 25) + lead for n in range(25)], MS)


def test_a_clip_that_ends_before_zero_is_enhanced(tmp_path: Path, film: Film) -> None:
    early = ("-output_ts_offset", "-0.5", "-avoid_negative_ts", "disabled")
    source = film("before.mkv", "-c:v", "ffv1", *early, inputs=SHORT)
    assert enhance(source, tmp_path / "b.mp4").frames == 10
    assert enhance(source, tmp_path / "c.mp4", start=0.2).frames == 5


def test_the_last_packet_of_sound_is_heard(tmp_path: Path, film: Film) -> None:
    """NUT does not say how long packets are."""
    late = (*PICTURE, "-itsoffset", "0.5", *TONE)
    source = film("late.nut", "-c:v", "ffv1", "-c:a", "flac", inputs=late)
    enhance(source, tmp_path / "b.mp4", audio="copy")
    sound = [levels(path) for path in (source, tmp_path / "b.mp4")]
    assert len(sound[0]) == len(sound[1]) == 48_000


def test_the_last_packet_of_vorbis_has_no_time_and_is_heard(tmp_path: Path, film: Film) -> None:
    source = film("a.ogv", "-c:v", "libtheora", "-c:a", "libvorbis")
    report = enhance(source, tmp_path / "b.mp4")
    assert report.notes == ()
    counted = [
        n for path in (source, tmp_path / "b.mp4") for k, _, n in streams(path) if k == "audio"
    ]
    assert counted[0] == counted[1]


def test_tta_is_converted_in_matroska(tmp_path: Path, film: Film) -> None:
    source = film("a.mkv", "-c:v", "ffv1", "-c:a", "tta")
    report = enhance(source, tmp_path / "b.mkv")
    assert report.notes == ("audio stream #1 (tta) converted to flac",)
    assert (levels(tmp_path / "b.mkv") == levels(source)).all()
    with pytest.raises(InputError, match="tta"):
        enhance(source, tmp_path / "c.mkv", audio="copy")


@pytest.mark.parametrize("codec", ["pcm_s24le", "pcm_f32le", "pcm_s16be"])
def test_pcm_that_players_take_for_noise_is_converted_in_mp4(
    tmp_path: Path, film: Film, codec: str
) -> None:
    source = film(f"{codec}.mov", "-c:v", "libx264", "-c:a", codec)
    report = enhance(source, tmp_path / "b.mp4")
    assert report.notes == (f"audio stream #1 ({codec}) converted to aac",)
    report = enhance(source, tmp_path / "c.mp4", audio="copy")
    assert report.notes == ()
    enhance(source, tmp_path / "d.mov")
    assert (levels(tmp_path / "d.mov") == levels(source)).all()


def test_streams_that_damage_makes_appear_late(tmp_path: Path, film: Film) -> None:
    whole = film("a.flv", "-c:v", "flv", "-an", inputs=SHORT)
    tag = b"\x08" + (4).to_bytes(3, "big") + bytes(7) + b"\x2f\0\0\0" + (15).to_bytes(4, "big")
    source = tmp_path / "late.flv"
    source.write_bytes(whole.read_bytes() + tag)
    assert enhance(source, tmp_path / "b.mp4").frames == 10
    assert ffmpeg("-i", tmp_path / "b.mp4", "-f", "null", "-") == b""
