"""Clips that FFmpeg made, joined again: what comes of each is what FFmpeg itself makes of it."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from crispen.enhance.api import enhance_video
from crispen.enhance.video.making import VideoReport

pytestmark = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="FFmpeg's command line makes the clips"
)

PICTURE = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=1")
SHORT = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=0.4")
TONE = ("-f", "lavfi", "-i", "sine=440:r=48000:d=1")
H264 = ("-c:v", "libx264", "-bf", "2")
SRT = """1
00:00:00,200 --> 00:00:00,500
Hello <i>there</i>

2
00:00:00,700 --> 00:00:00,900
Bye
"""
TICK = Fraction(1, 90_000)
Film = Callable[..., Path]


def ffmpeg(*arguments: object) -> bytes:
    """What FFmpeg says for arguments."""
    command = ["ffmpeg", "-nostdin", "-y", "-v", "error", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True).stdout


def told(path: Path, *entries: str) -> dict[str, Any]:
    """What ffprobe says of a file."""
    command = ["ffprobe", "-v", "error", "-of", "json", "-count_packets"]
    wanted = ("-show_entries", ":".join(entries or ("stream",)))
    return dict(json.loads(subprocess.check_output([*command, *wanted, str(path)])))


def streams(path: Path) -> list[tuple[str, str, int]]:
    """Kind, codec and number of packets of each stream."""
    return [
        (s["codec_type"], s.get("codec_name", ""), int(s.get("nb_read_packets", 0)))
        for s in told(path)["streams"]
    ]


def packets(path: Path, kind: str, *options: str, number: int = 0) -> list[tuple[Fraction, str]]:
    """Time and checksum of each packet of a stream, as FFmpeg copies all of them.

    Args:
        path: A file.
        kind: ``video``, ``audio`` or ``subtitle``.
        options: Of FFmpeg for its output.
        number: Which stream of that kind.
    """
    # Only in broadcasts does time begin anywhere, and FFmpeg lets the first stream's be 0.
    real = () if path.suffix in (".ts", ".m2t", ".trp", ".vob") else ("-copyts",)
    which = ("-map", "0:v", "-map", "0:a?", "-map", "0:s?", "-c", "copy")
    out = ffmpeg(*real, "-i", path, *which, *options, "-f", "framecrc", "-").decode()
    kinds = re.findall(rf"#media_type (\d+): {kind}", out)
    base = Fraction(re.findall(rf"#tb {kinds[number]}: (\S+)", out)[0])
    parts = [line.split(",") for line in out.splitlines() if line[0] != "#"]
    return [(int(p[2]) * base, p[5].strip()) for p in parts if p[0] == kinds[number]]


def times(path: Path) -> list[Fraction]:
    """When the pictures are shown that FFmpeg decodes."""
    exact = ("-c:v", "rawvideo", "-fps_mode", "passthrough", "-enc_time_base", "-1")
    return [time for time, _ in packets(path, "video", *exact)]


def levels(path: Path) -> NDArray[np.int16]:
    """What is heard, as FFmpeg decodes it."""
    return np.frombuffer(ffmpeg("-i", path, "-map", "0:a", "-f", "s16le", "-"), np.int16)


def near(some: list[Fraction], others: list[Fraction], by: Fraction = TICK) -> bool:
    """Whether two files' times are equal but for a tick."""
    return len(some) == len(others) and all(
        abs(a - b) <= by for a, b in zip(some, others, strict=True)
    )


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    """Makes a clip of a second with FFmpeg's options; the same one only once."""
    folder = tmp_path_factory.mktemp("films")

    def make(name: str, *options: object, inputs: tuple[object, ...] = (*PICTURE, *TONE)) -> Path:
        path = folder / name
        if not path.exists():
            ffmpeg(*inputs, *options, path)
        return path

    return make


@pytest.fixture(scope="module")
def usual(film: Film) -> Path:
    """H.264 with frames out of order, and AAC."""
    return film("t0.mp4", *H264, "-c:a", "aac", "-shortest")


def enhance(source: Path, target: Path, **options: Any) -> VideoReport:
    """The result of a scale of 1, for which no network runs."""
    return enhance_video(source, target, 1, **options)


# 1. Tracks that QuickTime's muxer makes anew out of tags.


@pytest.mark.parametrize("suffix", [".mov", ".mp4", ".mkv"])
def test_a_timecode_goes_over(tmp_path: Path, film: Film, suffix: str) -> None:
    source = film("cam.mov", "-an", "-c:v", "prores_ks", "-timecode", "01:02:03:04", inputs=PICTURE)
    report = enhance(source, tmp_path / f"b{suffix}")
    assert report.notes == ()
    tags = [s.get("tags", {}) for s in told(tmp_path / f"b{suffix}", "stream_tags")["streams"]]
    assert "01:02:03:04" in [t.get("timecode", t.get("TIMECODE")) for t in tags]
    assert times(tmp_path / f"b{suffix}") == times(source)


@pytest.mark.parametrize("suffix", [".mov", ".mp4"])
def test_dv_goes_into_quicktime(tmp_path: Path, film: Film, suffix: str) -> None:
    inputs = ("-f", "lavfi", "-i", "testsrc2=s=720x576:r=25:d=0.2", *TONE)
    source = film("a.dv", "-target", "pal-dv", "-ac", "2", "-t", "0.2", inputs=inputs)
    enhance(source, tmp_path / f"b{suffix}", preset="ultrafast")
    assert times(tmp_path / f"b{suffix}") == times(source)
    assert np.array_equal(levels(tmp_path / f"b{suffix}"), levels(source))


# 2. to 6. Packets that no muxer takes as they are.


def test_a_time_stamp_that_comes_twice_is_moved_by_a_tick(
    tmp_path: Path, film: Film, usual: Path
) -> None:
    setts = "setts=ts='if(eq(N,20),TS-1500,TS)'"
    source = film("dup.mkv", "-c", "copy", "-bsf:a", setts, inputs=("-i", usual))
    report = enhance(source, tmp_path / "b.mp4")
    assert report.notes == (
        "audio stream #1 (aac): 1 timestamps did not increase and were corrected",
    )
    before, after = packets(source, "audio"), packets(tmp_path / "b.mp4", "audio")
    assert [crc for _, crc in after] == [crc for _, crc in before]
    moved = [a - b for (a, _), (b, _) in zip(after, before, strict=True)]
    assert [n for n, shift in enumerate(moved) if shift > Fraction(1, 96_000)] == [20]
    assert max(moved) <= Fraction(1, 48_000)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_second_picture_with_frames_out_of_order(tmp_path: Path, film: Film, suffix: str) -> None:
    inputs = (*PICTURE, *PICTURE)
    source = film("two.mkv", "-map", "0", "-map", "1", *H264, inputs=inputs)
    report = enhance(source, tmp_path / f"b{suffix}")
    assert report.notes == ("video stream #1 (h264) copied as it is; only one picture is enhanced",)
    before, after = (packets(path, "video", number=1) for path in (source, tmp_path / f"b{suffix}"))
    assert after == before
    assert times(tmp_path / f"b{suffix}") == times(source)


@pytest.mark.parametrize("codec", ["mjpeg", "png"])
def test_a_still_before_the_film_is_not_taken_for_it(
    tmp_path: Path, film: Film, codec: str
) -> None:
    still = ("-f", "lavfi", "-i", "color=red:s=32x32:d=0.04:r=25")
    options = ("-map", "0", "-map", "1", "-c:v:0", codec, "-c:v:1", "libx264")
    source = film(f"{codec}.mp4", *options, inputs=(*still, *PICTURE))
    report = enhance(source, tmp_path / "b.mp4")
    assert report.frames == 25
    assert sorted(streams(tmp_path / "b.mp4")) == [("video", "h264", 25), ("video", codec, 1)]


def test_a_clock_that_wraps_begins_at_zero(tmp_path: Path, film: Film, usual: Path) -> None:
    source = film("wrap.ts", "-c", "copy", "-output_ts_offset", "95442.5", inputs=("-i", usual))
    enhance(source, tmp_path / "b.mp4")
    assert near(times(tmp_path / "b.mp4"), times(source))
    starts = [Fraction(s["start_time"]) for s in told(tmp_path / "b.mp4")["streams"]]
    assert min(starts) == 0


@pytest.mark.parametrize("sounds", [True, False])
def test_broadcasts_one_after_the_other_go_on(
    tmp_path: Path, film: Film, usual: Path, sounds: bool
) -> None:
    part = film(
        f"part{sounds}.ts", "-c", "copy", *(() if sounds else ("-an",)), inputs=("-i", usual)
    )
    source = tmp_path / "cat.ts"
    source.write_bytes(part.read_bytes() * 2)
    report = enhance(source, tmp_path / "b.mp4")
    assert report.frames == 50
    assert near(times(tmp_path / "b.mp4"), times(source))
    assert times(tmp_path / "b.mp4")[-1] >= Fraction(196, 100)
    if sounds:
        before = packets(source, "audio", "-bsf:a", "aac_adtstoasc")
        after = packets(tmp_path / "b.mp4", "audio")
        assert [crc for _, crc in after] == [crc for _, crc in before]
        assert near([t for t, _ in after], [t for t, _ in before], Fraction(1, 24_000))


def test_damaged_headers_of_sound_are_left_out(tmp_path: Path, film: Film, usual: Path) -> None:
    whole = film("whole.ts", "-c", "copy", inputs=("-i", usual))
    data = bytearray(whole.read_bytes())
    headers = [at for at in range(len(data)) if data[at : at + 2] == b"\xff\xf1"]
    for at in headers[5:40:10]:
        data[at : at + 2] = b"\0\0"
    source = tmp_path / "a.ts"
    source.write_bytes(data)
    report = enhance(source, tmp_path / "b.mp4")
    assert report.frames == 25
    (note,) = report.notes
    (lost,) = re.findall(r"(\d+) damaged packets were left out", note)
    read, kept = (
        next(n for kind, _, n in streams(path) if kind == "audio")
        for path in (source, tmp_path / "b.mp4")
    )
    assert (read - kept, kept > 20) == (int(lost), True)
    ffmpeg("-xerror", "-i", tmp_path / "b.mp4", "-map", "0:v", "-f", "null", "-")


# 7. Sound that the target cannot hold.

STRANGE = {
    "wmav2": (".asf", "wmv2"),
    "adpcm_ima_wav": (".avi", "mpeg4"),
    "pcm_dvd": (".vob", "mpeg2video"),
    "s302m": (".ts", "libx264"),
    "nellymoser": (".flv", "flv"),
    "aac_latm": (".ts", "libx264"),
}


def strange(film: Film, codec: str) -> Path:
    """A clip with sound in a codec that few containers take."""
    suffix, picture = STRANGE[codec]
    rate = ("-ar", "22050", "-ac", "1") if codec == "nellymoser" else ("-ac", "2")
    coder = "aac" if codec == "aac_latm" else codec
    more = ("-mpegts_flags", "latm") if codec == "aac_latm" else ()
    options = ("-c:v", picture, "-c:a", coder, "-strict", "-2", *rate, *more, "-shortest")
    return film(f"{codec}{suffix}", *options)


@pytest.mark.parametrize("codec", STRANGE)
def test_strange_sound_is_converted(tmp_path: Path, film: Film, codec: str) -> None:
    source = strange(film, codec)
    report = enhance(source, tmp_path / "b.mkv")
    assert any(f"({codec}" in n and n.endswith("converted to flac") for n in report.notes)
    if codec in ("pcm_dvd", "s302m"):
        assert np.array_equal(levels(tmp_path / "b.mkv"), levels(source))
    report = enhance(source, tmp_path / "b.mp4", preset="ultrafast")
    assert ("audio", "aac") in [s[:2] for s in streams(tmp_path / "b.mp4")]
    gaps = [[t - some[0] for t in some] for some in map(times, (tmp_path / "b.mkv", source))]
    assert near(*gaps, Fraction(1, 1000))
    # What is heard begins and ends when FFmpeg's does.
    assert abs(heard(tmp_path / "b.mp4") - heard(source)) < Fraction(1, 20)


def heard(path: Path) -> Fraction:
    """How many seconds of sound FFmpeg decodes."""
    samples = ffmpeg("-i", path, "-map", "0:a", "-ac", 1, "-ar", 8000, "-f", "s16le", "-")
    return Fraction(len(samples), 16_000)


def test_sound_as_it_is_asked_for(tmp_path: Path, usual: Path) -> None:
    enhance(usual, tmp_path / "none.mp4", audio="none")
    assert [kind for kind, _, _ in streams(tmp_path / "none.mp4")] == ["video"]
    report = enhance(usual, tmp_path / "flac.mkv", audio="convert")
    assert report.notes == ("audio stream #1 (aac) converted to flac",)
    # Two versions of the decoder round a few samples otherwise.
    assert np.abs(levels(tmp_path / "flac.mkv").astype(int) - levels(usual)).max() <= 1
    enhance(usual, tmp_path / "opus.webm", codec="vp9", preset="8")
    assert [codec for _, codec, _ in streams(tmp_path / "opus.webm")] == ["vp9", "opus"]


# 8. Subtitles.


@pytest.mark.parametrize("kind", ["srt", "ass", "mov_text"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_subtitles_of_text_go_into_any_file(
    tmp_path: Path, film: Film, usual: Path, kind: str, suffix: str
) -> None:
    lines = tmp_path / "lines.srt"
    lines.write_text(SRT)
    name = f"{kind}.{'mp4' if kind == 'mov_text' else 'mkv'}"
    options = ("-map", "0", "-map", "1", "-c", "copy", "-c:s", kind)
    source = film(name, *options, inputs=("-i", usual, "-i", lines))
    target = tmp_path / f"b{suffix}"
    enhance(source, target)
    theirs = tmp_path / f"theirs{suffix}"
    coder = "mov_text" if suffix == ".mp4" else "copy" if kind == "ass" else "srt"
    ffmpeg("-i", source, "-map", "0", "-c", "copy", "-c:s", coder, theirs)
    shown = [ffmpeg("-i", path, "-map", "0:s", "-f", "srt", "-") for path in (theirs, target)]
    assert shown[1] == shown[0]
    assert b"Hello <i>there</i>" in shown[0]


def test_subtitles_as_pictures_stay_in_matroska_and_are_named_elsewhere(
    tmp_path: Path, film: Film, usual: Path
) -> None:
    sup = tmp_path / "a.sup"
    sup.write_bytes(pgs(start=18_000, end=45_000))
    options = ("-map", "0", "-map", "1", "-c", "copy")
    source = film("pgs.mkv", *options, inputs=("-i", usual, "-i", sup))
    enhance(source, tmp_path / "b.mkv")
    assert packets(tmp_path / "b.mkv", "subtitle") == packets(source, "subtitle")
    report = enhance(source, tmp_path / "b.mp4")
    assert report.notes == ("subtitle stream #2 (pgssub) left out: .mp4 files cannot hold it",)
    assert [kind for kind, _, _ in streams(tmp_path / "b.mp4")] == ["video", "audio"]


def pgs(start: int, end: int) -> bytes:
    """One picture of 8x2 pixels as on Blu-ray, in units of 90 kHz."""

    def part(kind: int, at: int, data: bytes) -> bytes:
        return b"PG" + struct.pack(">IIBH", at, 0, kind, len(data)) + data

    def composition(number: int, state: int, objects: bytes, count: int) -> bytes:
        return struct.pack(">HHBHBBBB", 64, 48, 0x10, number, state, 0, 0, count) + objects

    window = struct.pack(">BBHHHH", 1, 0, 0, 0, 8, 2)
    shown = struct.pack(">HBBHH", 0, 0, 0, 0, 0)
    rows = b"\0\x88\1\0\0" * 2
    drawn = struct.pack(">HBB", 0, 0, 0xC0) + struct.pack(">I", len(rows) + 4)[1:]
    return b"".join(
        (
            part(0x16, start, composition(0, 0x80, shown, 1)),
            part(0x17, start, window),
            part(0x14, start, bytes((0, 0, 1, 235, 128, 128, 255))),
            part(0x15, start, drawn + struct.pack(">HH", 8, 2) + rows),
            part(0x80, start, b""),
            part(0x16, end, composition(1, 0, b"", 0)),
            part(0x17, end, window),
            part(0x80, end, b""),
        )
    )


# 9. Names, and what is left when nothing else helps.


def test_names_with_a_colon(tmp_path: Path, usual: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(usual, "a:b.mp4")
    enhance(Path("a:b.mp4"), Path("c:d.mp4"))
    assert times(tmp_path / "c:d.mp4") == times(usual)


def test_pictures_are_written_even_if_nothing_can_be_joined_with_them(
    tmp_path: Path, usual: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crispen.media.video.copied import Copied

    def nonsense(self: Copied, packet: Any) -> Any:
        raise ValueError("no muxer takes this")
        yield

    monkeypatch.setattr("crispen.media.video.muxing.rehearse", lambda joint, _: joint.tracks)
    monkeypatch.setattr(Copied, "feed", nonsense)
    monkeypatch.setattr("crispen.media.video.tracks._Sample.fits", lambda *_: True)
    report = enhance(usual, tmp_path / "b.mp4")
    assert report.notes == (
        "audio stream #1 (aac) left out: it could not be joined with the picture",
    )
    assert streams(tmp_path / "b.mp4") == [("video", "h264", 25)]
    assert len(times(tmp_path / "b.mp4")) == 25
