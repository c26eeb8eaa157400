"""A part of a clip: the frames of the whole clip's result, and everything else cut as they are."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from crispen.enhance.api import enhance_video
from crispen.errors import Cancelled, UsageError
from crispen.media.video import container
from crispen.media.video.container import Damage, read_frames

from .clips import MODEL, frames, make_clip, names, payload, times
from .test_joining import Film, ffmpeg, film, told
from .test_segments import stop_after

__all__ = ["film"]

needs_ffmpeg = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="FFmpeg's command line makes the clips"
)
# Two and a half seconds, uneven, with B-frames, and a key frame every 20.
STAMPS = [512 * n + (n % 3) * 7 for n in range(60)]
SECONDS = [Fraction(s, 12800) for s in STAMPS]
MOVING = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=8")
# A chirp, in which each moment sounds different.
CHIRP = ("-f", "lavfi", "-i", "aevalsrc='0.5*sin(2*PI*(300+60*t)*t)':s=48000:d=8")
H264 = ("-c:v", "libx264", "-bf", "3", "-g", "30")


def clip(path: Path, **more: Any) -> Path:
    return make_clip(path, STAMPS, options={"bf": "2", "g": "20", "qp": "12"}, **more)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize(
    ("start", "end"),
    [(SECONDS[31], SECONDS[45]), ("0.5", "1.1"), ("00:02.2", None), (None, 0.4), (0.9, 77)],
    ids=str,
)
def test_the_frames_are_those_of_the_whole_to_the_tick(
    tmp_path: Path, suffix: str, start: Any, end: Any
) -> None:
    source = clip(tmp_path / f"a{suffix}")
    # What the source says, which in Matroska are rounded milliseconds.
    shown = times(source)
    begin = {"0.5": Fraction(1, 2), "00:02.2": Fraction(11, 5)}.get(str(start), start or 0)
    until = Fraction(str(end)) if end is not None else 10**6
    kept = [i for i, t in enumerate(shown) if Fraction(str(begin)) <= t < until]
    assert 0 < len(kept) < 60
    whole, part = tmp_path / "whole.mkv", tmp_path / f"part{suffix}"
    enhance_video(source, whole, 2, model=MODEL, codec="ffv1")
    report = enhance_video(
        source,
        tmp_path / "part.mkv",
        2,
        model=MODEL,
        codec="ffv1",
        start=start,
        end=end,
        overwrite=True,
    )
    assert report.frames == len(kept)
    made, right = frames(tmp_path / "part.mkv"), frames(whole)
    assert all(np.array_equal(a, right[i]) for a, i in zip(made, kept, strict=True))
    enhance_video(source, part, 1, start=start, end=end, overwrite=True)
    first = shown[kept[0]] if start is not None else Fraction(0)
    assert times(part) == [shown[i] - first for i in kept]


def test_the_last_frame_is_shown_to_the_end(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", [0, 12800, 25600, 38400])
    enhance_video(source, tmp_path / "b.mp4", 1, start=1, duration="1.25")
    assert times(tmp_path / "b.mp4") == [0, 1]
    with av.open(str(tmp_path / "b.mp4")) as file:
        assert file.streams.video[0].duration * file.streams.video[0].time_base == Fraction(5, 4)


def test_a_part_that_is_resumed_is_the_same_file(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", audio=[("aac", 0.0, 2.4)])
    some: dict[str, Any] = {"model": MODEL, "segment_s": 0.4, "start": 0.5, "end": 2.1}
    whole, target = tmp_path / "whole.mp4", tmp_path / "b.mp4"
    enhance_video(source, whole, 2, **some)
    with pytest.raises(Cancelled):
        enhance_video(source, target, 2, progress=stop_after(25), **some)
    report = enhance_video(source, target, 2, **some)
    assert report.resumed_frames == 20
    assert report.frames == sum(Fraction(1, 2) <= t < Fraction(21, 10) for t in SECONDS)
    assert target.read_bytes() == whole.read_bytes()
    # Another part of the clip starts again.
    with pytest.raises(Cancelled):
        enhance_video(source, target, 2, overwrite=True, progress=stop_after(25), **some)
    again = enhance_video(source, target, 2, overwrite=True, **{**some, "start": 0.6})
    assert again.resumed_frames == 0
    assert names(tmp_path) == ["a.mp4", "b.mp4", "whole.mp4"]


def test_a_finished_part_that_was_not_joined_is_joined_as_if_it_had_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = clip(tmp_path / "a.mp4", audio=[("aac", 0.0, 2.4)])
    some: dict[str, Any] = {"segment_s": 0.4, "start": 0.5, "end": 2.1}
    enhance_video(source, tmp_path / "whole.mp4", 1, **some)

    def stop(*_: object, **__: object) -> None:
        raise Cancelled("stopped")

    with monkeypatch.context() as patch:
        patch.setattr("crispen.media.video.muxing.join", stop)
        with pytest.raises(Cancelled):
            enhance_video(source, tmp_path / "b.mp4", 1, **some)
    report = enhance_video(source, tmp_path / "b.mp4", 1, **some)
    assert report.resumed_frames == report.frames
    assert (tmp_path / "b.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


def test_subtitles_and_chapters_are_cut_and_moved(tmp_path: Path) -> None:
    chapters = [
        {"id": n, "start": a, "end": b, "time_base": Fraction(1, 1000), "metadata": {"title": t}}
        for n, (a, b, t) in enumerate([(0, 300, "A"), (300, 1000, "B"), (1000, 2400, "C")])
    ]
    # Lines at 40, 200 and 330 ms, each of 100 ms.
    source = clip(tmp_path / "a.mkv", subtitles=[("subrip", "eng")], chapters=chapters)
    target = tmp_path / "b.mkv"
    enhance_video(source, target, 1, start=SECONDS[6], end=0.38)
    first = times(source)[6]
    with av.open(str(target)) as file:
        lines = [p for p in file.demux(subtitles=0) if p.size]
        found = file.chapters()
    moved = [(p.pts, p.duration, bytes(p)) for p in lines]
    begin = round(first * 1000)
    assert moved == [(0, 300 - begin, b"line 1"), (330 - begin, 50, b"line 2")]
    shown = [(c["start"] * c["time_base"], c["end"] * c["time_base"]) for c in found]
    assert [c["metadata"]["title"] for c in found] == ["A", "B"]
    assert shown == [
        (0, Fraction(3, 10) - first),
        (Fraction(3, 10) - first, Fraction("0.38") - first),
    ]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"start": 5, "end": "4"}, "^end 4 is not after the start 5; choose a later end$"),
        ({"end": 0}, "^end 0 is not after the start 0"),
        ({"end": 3, "duration": 1}, "^give end or duration, not both$"),
        ({"duration": "0:00"}, "^duration must be more than 0$"),
        ({"start": "1:75"}, r"^start: '1:75' is not a time; write seconds \(90.5\) or"),
        ({"start": -1}, "^start: '-1' is not a time"),
        ({"end": float("nan")}, "^end: 'nan' is not a time"),
        ({"start": True}, "^start must be text"),
        ({"start": 3}, r"a.mp4: no frame of it is shown from 3 s on; it ends at 2.4\d* s$"),
    ],
    ids=str,
)
def test_parts_that_cannot_be_are_refused_before_a_frame_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], told: str
) -> None:
    source = clip(tmp_path / "a.mp4")

    def read(*_: object) -> None:
        raise AssertionError("frames are read")

    monkeypatch.setattr("crispen.enhance.video.frame_flow.read_frames", read)
    with pytest.raises(UsageError, match=told):
        enhance_video(source, tmp_path / "b.mp4", 1, **given)
    assert names(tmp_path) == ["a.mp4"]


def test_a_part_between_two_frames_is_refused(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", [0, 12800, 25600])
    with pytest.raises(UsageError, match=r"no frame of it is shown from 1.2 s on and before 1.5 s"):
        enhance_video(source, tmp_path / "b.mp4", 1, start=1.2, end=1.5)
    assert names(tmp_path) == ["a.mp4"]


@needs_ffmpeg
@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("open.mp4", (*H264, "-x264opts", "open-gop=1:bframes=3:keyint=30:scenecut=0")),
        ("open.mkv", ("-c:v", "libx265", "-x265-params", "open-gop=1:keyint=30:log-level=none")),
        ("refresh.mkv", (*H264, "-x264opts", "intra-refresh=1:keyint=30")),
        ("vp9.webm", ("-c:v", "libvpx-vp9", "-g", "40", "-deadline", "realtime", "-b:v", "300k")),
        ("mpeg2.mkv", ("-c:v", "mpeg2video", "-bf", "2", "-g", "15")),
        ("h264.ts", H264),
        ("xvid.avi", ("-c:v", "mpeg4", "-bf", "2", "-g", "25")),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_entering_in_the_middle_changes_no_frame(film: Film, name: str, codec: Any) -> None:
    source = film(name, *codec, "-pix_fmt", "yuv420p", inputs=MOVING)
    whole = [(f.time, _luma(f)) for f in read_frames(source, Damage())]
    origin = container.probe(source).origin
    for begin in (Fraction(9, 2), Fraction(597, 100), Fraction(32, 5)):
        damage = Damage()
        part = [(f.time, _luma(f)) for f in read_frames(source, damage, origin + begin)]
        part = [(t, p) for t, p in part if t >= origin + begin]
        right = [(t, p) for t, p in whole if t >= origin + begin]
        assert [t for t, _ in part] == [t for t, _ in right]
        assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(part, right, strict=True))
        assert not damage


@needs_ffmpeg
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_only_what_is_needed_is_decoded(film: Film, name: str) -> None:
    source = film(name, *H264, inputs=MOVING)
    first = next(iter(read_frames(source, Damage(), Fraction(7))))
    assert 3 < first.time <= 5


@needs_ffmpeg
@pytest.mark.parametrize(
    ("source", "target", "audio", "late"),
    [
        ("a.mp4", "b.mp4", None, 2048),
        ("a.mp4", "b.mkv", None, 2048),
        ("a.mp4", "b.webm", "convert", 480),
        ("a.mp4", "b.mov", "convert", 20),
        ("a.mp4", "b.mp4", "convert", 480),
        ("a.ts", "b.mp4", None, 2048),
        ("a.mkv", "b.mkv", "convert", 68),
    ],
)
def test_sound_stays_in_step(
    tmp_path: Path, film: Film, source: str, target: str, audio: Any, late: int
) -> None:
    """What is heard at a frame is what the whole clip sounds like there."""
    clip = film(f"sound-{source}", *H264, "-c:a", "aac", "-b:a", "192k", inputs=(*MOVING, *CHIRP))
    result = tmp_path / target
    preset = {"preset": "8"} if target.endswith("webm") else {}
    report = enhance_video(clip, result, 1, start=3.21, end=5.5, audio=audio, **preset)
    shown = [f.pts * f.time_base for f in read_frames(clip, Damage())]
    origin = container.probe(clip).origin
    kept = [t for t in shown if Fraction("3.21") <= t - origin < Fraction("5.5")]
    assert report.frames == len(kept) > 55
    about = told(result, "stream=codec_type,start_time", "format=start_time,duration")
    video = next(s for s in about["streams"] if s["codec_type"] == "video")
    assert float(video["start_time"]) == 0
    length = float(origin + Fraction("5.5") - kept[0])
    assert float(about["format"]["duration"]) == pytest.approx(length, abs=0.024)
    # Copied sound begins with a whole packet, at its own time; in MP4 and MOV to the sample.
    whole, part = _heard(clip), _heard(result)
    begin = round((kept[0] - shown[0]) * 48000)
    milliseconds = 48 if "mkv" in source + target else 0
    assert abs(_lag(whole[begin:][: len(part)], part)) <= 2 + milliseconds
    assert int(np.argmax(np.abs(part) > 0.05)) <= late
    assert abs(len(part) - length * 48000) <= 1024 + milliseconds


@needs_ffmpeg
@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
@pytest.mark.parametrize("coder", ["aac", "libmp3lame"])
def test_copied_sound_is_the_wholes_from_the_first_sample_on(
    tmp_path: Path, film: Film, coder: str, suffix: str
) -> None:
    """The packets that its first ones need go over, and are not heard."""
    clip = film(f"{coder}.mp4", *H264, "-c:a", coder, inputs=(*MOVING, *CHIRP))
    result = tmp_path / f"b{suffix}"
    report = enhance_video(clip, result, 1, start="1.2", duration="1")
    assert report.notes == ()
    whole, part = (
        np.frombuffer(ffmpeg("-i", path, "-map", "0:a", "-f", "s16le", "-"), np.int16).astype(int)
        for path in (clip, result)
    )
    begin = round(1.2 * 48000)
    assert 48000 <= len(part) <= 48000 + 1152
    # FFmpeg's AAC adds noise that depends on how much was decoded before: a level.
    assert np.abs(part[:47000] - whole[begin : begin + 47000]).max() <= 2
    assert np.abs(part[:480]).max() > 1000


def _luma(frame: av.VideoFrame) -> NDArray[np.uint8]:
    return np.asarray(frame.to_ndarray(format="gray"))


def _heard(path: Path) -> NDArray[np.float32]:
    """The samples of a file from its first frame's time on."""
    at = next(read_frames(path, Damage())).time
    real = ("-copyts", "-i", path, "-vn", "-af", f"aresample=async=1:first_pts={round(at * 48000)}")
    return np.frombuffer(ffmpeg(*real, "-ac", "1", "-ar", "48000", "-f", "f32le", "-"), np.float32)


def _lag(one: NDArray[np.float32], other: NDArray[np.float32]) -> int:
    """How many samples later the second is."""
    size = min(len(one), len(other))
    one, other = one[4096 : size - 4096], other[4096 : size - 4096]
    product = np.fft.irfft(np.fft.rfft(other, 2 * size) * np.conj(np.fft.rfft(one, 2 * size)))
    lag = int(np.argmax(product))
    return lag if lag < size else lag - 2 * size


@needs_ffmpeg
def test_a_part_of_fields_is_that_of_the_whole(tmp_path: Path, film: Film) -> None:
    weave = ("-vf", "interlace=scan=tff:lowpass=off", "-flags", "+ildct")
    moving = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=50:d=6")
    source = film("fields.mkv", *weave, *H264, "-crf", "8", inputs=moving)
    some: dict[str, Any] = {"codec": "ffv1", "deinterlace": "double"}
    enhance_video(source, tmp_path / "whole.mkv", 1, **some)
    report = enhance_video(source, tmp_path / "b.mkv", 1, start="4.1", duration=0.5, **some)
    assert any("interlaced:" in note for note in report.notes)
    shown = times(tmp_path / "whole.mkv")
    right = frames(tmp_path / "whole.mkv")
    kept = [i for i, t in enumerate(shown) if Fraction("4.1") <= t < Fraction("4.6")]
    assert len(kept) == 25
    made = frames(tmp_path / "b.mkv")
    assert all(np.array_equal(m, right[i]) for m, i in zip(made, kept, strict=True))


@needs_ffmpeg
def test_another_picture_begins_with_a_key_frame(tmp_path: Path, film: Film) -> None:
    both = ("-map", "0:v", "-map", "0:v", *H264, "-g", "10")
    source = film("two.mkv", *both, inputs=MOVING)
    enhance_video(source, tmp_path / "b.mkv", 1, start=3.3, end=5)
    with av.open(str(tmp_path / "b.mkv")) as file:
        second = [p for p in file.demux(video=1) if p.size]
    assert second[0].is_keyframe
    assert min(p.pts for p in second) == 280  # the key frame at 3.6 s, and the first frame at 3.32
    assert all(p.pts <= 1800 for p in second)
    assert len(payload(tmp_path / "b.mkv", "video")[0]) == 42
