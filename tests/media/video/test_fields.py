"""Interlaced and telecined clips, made by FFmpeg, and what becomes of them."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import crispen
from crispen.media.video.container import Damage, probe, read_frames
from crispen.media.video.fields import Fields, fields_in_clip, made_progressive

needs_ffmpeg = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="FFmpeg is not installed (Debian: apt install ffmpeg)"
)
pytestmark = needs_ffmpeg

# A soft picture that pans, as cameras make it.
WAVES = "lum='128+90*sin(X/23)*cos(Y/17+X/90)':cb=128:cr=128"
PAN = "nullsrc=size=400x120:rate={rate}:duration=3,geq=" + WAVES
MOVE = "crop=160:120:40+3*n:0,scale=160:480"


def clip(path: Path, rate: str, filters: str, *codec: str) -> Path:
    source = f"{PAN.format(rate=rate)},{MOVE}" + (f",{filters}" if filters else "")
    run = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-t", "2", *codec, str(path)]
    subprocess.run(run, check=True)
    return path


H264 = ("-c:v", "libx264", "-crf", "8", "-pix_fmt", "yuv420p")
FIELDED = (*H264, "-flags", "+ildct")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("fields")
    weave = "interlace=scan={}:lowpass=off"
    return {
        "progressive": clip(folder / "p.mp4", "25", "", *H264),
        "top": clip(folder / "t.mkv", "50", weave.format("tff"), *FIELDED),
        "bottom": clip(folder / "b.mp4", "60000/1001", weave.format("bff"), *FIELDED),
        # It says that it is progressive.
        "silent": clip(folder / "s.mp4", "50", weave.format("tff") + ",setfield=prog", *H264),
        "telecined": clip(folder / "f.mp4", "24000/1001", "telecine=pattern=23", *H264),
    }


def luma(frame: object) -> np.ndarray:
    return np.asarray(frame.to_ndarray(format="gray"), float)  # type: ignore[attr-defined]


def frames(path: Path, fields: Fields) -> list[object]:
    header = fields.header(probe(path))
    return list(made_progressive(read_frames(path, Damage()), fields, header.time_base))


@pytest.mark.parametrize(
    ("name", "kind", "top_first"),
    [
        ("progressive", "progressive", None),
        ("top", "interlaced", True),
        ("bottom", "interlaced", False),
        ("silent", "interlaced", True),
        ("telecined", "telecined", True),
    ],
)
def test_fields_are_found(clips, name: str, kind: str, top_first: bool | None) -> None:
    found = fields_in_clip(clips[name], probe(clips[name]))
    assert found.kind == kind
    assert top_first is None or found.top_first is top_first
    assert bool(found.notes) == (kind != "progressive")


def test_clips_of_cameras_are_progressive(shared_data: Path) -> None:
    files = sorted((shared_data / "video").glob("*.mp4"))
    assert len(files) >= 4
    for file in files:
        assert fields_in_clip(file, probe(file)).kind == "progressive", file


@pytest.mark.parametrize("size", ["60x40", "96x64"])
def test_small_clips_have_patterns_and_no_fields(tmp_path: Path, size: str) -> None:
    """A drawing with thin lines that move, as in games; it was taken for fields."""
    made = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=size={size}:rate=25"]
    path = tmp_path / "a.mkv"
    subprocess.run([*made, "-t", "3", "-c:v", "ffv1", str(path)], check=True)
    assert fields_in_clip(path, probe(path)).kind == "progressive"


def test_what_never_moves_is_believed(tmp_path: Path) -> None:
    still = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "smptebars=size=160x120:rate=25"]
    path = tmp_path / "a.mkv"
    said = ["-vf", "setfield=tff", "-t", "1", *FIELDED, "-x264opts", "tff=1", str(path)]
    subprocess.run([*still, *said], check=True)
    header = probe(path)
    assert header.interlaced
    assert fields_in_clip(path, header).kind == "interlaced"
    assert fields_in_clip(path, replace(header, interlaced=False)).kind == "progressive"


@pytest.mark.parametrize("name", ["top", "bottom"])
def test_deinterlaced_frames_are_what_the_camera_saw(clips, name: str) -> None:
    """Every second frame of the clip that the fields were taken from."""
    path = clips[name]
    rate = "50" if name == "top" else "60000/1001"
    whole = clip(path.with_suffix(".whole.mp4"), rate, "", *H264)
    truth = [luma(f) for f in read_frames(whole, Damage())]
    fields = fields_in_clip(path, probe(path))
    made = frames(path, fields)
    doubled = frames(path, replace(fields, double=True))
    woven = [luma(f) for f in read_frames(path, Damage())]
    assert len(made) == len(woven) == (50 if name == "top" else 60)
    assert len(doubled) == 2 * len(made)

    def error(pairs: object) -> float:
        return float(np.mean([np.abs(a - b)[4:-4].mean() for a, b in pairs]))  # type: ignore[attr-defined]

    single = error(zip((luma(f) for f in made[5:45]), truth[10:90:2], strict=True))
    combed = error(zip(woven[5:45], truth[10:90:2], strict=True))
    every = error(zip((luma(f) for f in doubled[10:90]), truth[10:90], strict=True))
    assert single < 0.4 * combed
    assert every < 0.4 * combed


def test_a_film_gets_its_own_frames_back(clips) -> None:
    path = clips["telecined"]
    film = clip(path.with_suffix(".film.mp4"), "24000/1001", "", *H264)
    truth = [luma(f) for f in read_frames(film, Damage())]
    header = probe(path)
    fields = fields_in_clip(path, header)
    assert fields.header(header).rate == Fraction(24000, 1001)
    made = [luma(f) for f in frames(path, fields)]
    assert abs(len(made) - len(truth)) <= 2
    # From the second cycle on, each frame is one of the film's, in order and none twice.
    nearest = [int(np.argmin([np.abs(m - t).mean() for t in truth])) for m in made[5:40]]
    assert np.diff(nearest).tolist() == [1] * (len(nearest) - 1)
    assert max(np.abs(made[5 + i] - truth[n]).mean() for i, n in enumerate(nearest)) < 1.5


@pytest.mark.parametrize(
    ("deinterlace", "count", "rate"), [(None, 50, "25/1"), ("double", 100, "50/1")]
)
def test_whole_clips(clips, tmp_path: Path, deinterlace: str | None, count: int, rate: str) -> None:
    result = tmp_path / "b.mp4"
    report = crispen.enhance_video(
        clips["top"], result, 1, model="photo-fast", deinterlace=deinterlace
    )
    assert report.frames == count
    assert any("interlaced" in note for note in report.notes)
    ask = ["ffprobe", "-v", "error", "-select_streams", "v", "-of", "json", "-show_entries"]
    said = subprocess.run(
        [*ask, "stream=r_frame_rate,field_order:packet=pts_time", str(result)],
        check=True,
        capture_output=True,
    )
    about = json.loads(said.stdout)
    assert about["streams"][0]["r_frame_rate"] == rate
    assert about["streams"][0].get("field_order", "progressive") == "progressive"
    times = sorted(float(packet["pts_time"]) for packet in about["packets"])
    assert times[0] == 0
    np.testing.assert_allclose(np.diff(times), 2 / count, atol=2e-3)


def test_off_leaves_the_fields(clips, tmp_path: Path) -> None:
    result = tmp_path / "b.mkv"
    report = crispen.enhance_video(
        clips["top"], result, 1, model="photo-fast", codec="ffv1", deinterlace="off"
    )
    assert not any("interlaced:" in note for note in report.notes)
    pairs = zip(*(read_frames(p, Damage()) for p in (clips["top"], result)), strict=True)
    assert all(np.array_equal(luma(a), luma(b)) for a, b in pairs)
