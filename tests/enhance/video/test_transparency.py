"""The alpha of videos: enlarged as that of pictures, in codecs that hold it, or else a note.

Debian's FFmpeg decodes what is compared; pictures' own enlargement (`resize`) says what is right.
"""

from __future__ import annotations

import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from crispen.enhance.api import enhance_video
from crispen.enhance.video.transparency import Transparency
from crispen.errors import Cancelled
from crispen.media.resample import resize
from crispen.media.video.container import probe
from crispen.media.video.pixel_formats import Planar, plane

from .clips import MODEL, make_clip, times
from .test_segments import stop_after

needs_ffmpeg = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="FFmpeg's command line decodes what is compared"
)
WIDTH, HEIGHT, COUNT = 48, 32, 6
LOSSLESS = [
    ("prores_ks", "yuva444p10le", ".mov"),
    ("ffv1", "yuva420p", ".mkv"),
    ("ffv1", "yuva422p10le", ".mkv"),
    ("ffv1", "yuva444p16le", ".mkv"),
    ("ffv1", "gbrap10le", ".mkv"),
    ("ffv1", "bgra", ".mkv"),
    ("qtrle", "argb", ".mov"),
]


def clip(folder: Path, codec: str, fmt: str, suffix: str, **more: Any) -> Path:
    """A clip of a few frames, whose alpha is a moving ramp between nothing and all."""
    path = folder / f"a{suffix}"
    base, step = (Fraction(1, 30000), 1001) if suffix == ".mov" else (Fraction(1, 1000), 40)
    count = more.pop("count", COUNT)
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(codec, rate=25, options=more.get("options", {}))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, fmt
        stream.time_base = stream.codec_context.time_base = base
        for number in range(count):
            y, x = np.mgrid[:HEIGHT, :WIDTH]
            pixels = np.empty((HEIGHT, WIDTH, 4), np.uint16)
            pixels[..., 0] = 20000 + 400 * x
            pixels[..., 1] = 30000 - 300 * y
            pixels[..., 2] = 9000 + 500 * ((x + y + number) % 16)
            ramp = (x - 12 - 2 * number) * 9000 + y * 300
            pixels[..., 3] = np.clip(ramp, 0, 65535)
            frame = av.VideoFrame.from_ndarray(pixels, "rgba64le").reformat(format=fmt)
            frame.pts, frame.time_base = number * step, base
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def alpha_by_ffmpeg(path: Path, size: tuple[int, int], bits: int) -> NDArray[Any]:
    """``(frames, height, width)``, in `bits`."""
    fmt = "gray" if bits == 8 else f"gray{bits}le"
    with av.open(str(path)) as file:
        coded = file.streams.video[0].codec_context.name
    decoder = ("-c:v", "libvpx-vp9") if coded == "vp9" else ()
    command = ["ffmpeg", "-v", "error", *decoder, "-i", str(path), "-vf", "alphaextract"]
    command += ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", fmt, "-"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.uint8 if bits == 8 else np.uint16).reshape(-1, *size[::-1])


def enlarged(alpha: NDArray[Any], bits: int) -> NDArray[Any]:
    """As a picture's alpha: bicubic, in the whole range of its type."""
    peak, whole = (1 << bits) - 1, 255 if bits == 8 else 65535
    wide = np.rint(alpha * (whole / peak)).astype(alpha.dtype)
    large = [resize(one[..., None], HEIGHT * 2, WIDTH * 2)[..., 0] for one in wide]
    return np.rint(np.stack(large) * (peak / whole))


@needs_ffmpeg
@pytest.mark.parametrize(("codec", "fmt", "suffix"), LOSSLESS)
def test_alpha_is_enlarged_as_a_pictures_and_kept(
    tmp_path: Path, codec: str, fmt: str, suffix: str
) -> None:
    source = clip(tmp_path, codec, fmt, suffix)
    report = enhance_video(source, tmp_path / f"b{suffix}", 2, model=MODEL)
    bits = max(8, *(c.bits for c in av.VideoFormat(fmt).components))
    if suffix == ".mov":
        assert report.codec == "prores"
        bits = 10
    else:
        assert report.codec == "ffv1"
    assert report.pixel_format.startswith("yuva")
    assert not any("transparency" in note for note in report.notes)
    before = alpha_by_ffmpeg(source, (WIDTH, HEIGHT), bits)
    after = alpha_by_ffmpeg(report.target, (WIDTH * 2, HEIGHT * 2), bits)
    assert before.min() == 0
    assert before.max() == (1 << bits) - 1
    assert after.shape[0] == COUNT
    assert np.abs(after - enlarged(before, bits)).max() <= 1
    assert times(report.target) == times(source)


@needs_ffmpeg
@pytest.mark.parametrize("suffix", [".webm", ".mkv"])
def test_alpha_beside_vp9_is_kept_in_every_segment(tmp_path: Path, suffix: str) -> None:
    source = clip(tmp_path, "libvpx-vp9", "yuva420p", suffix, options={"crf": "4", "b": "0"})
    target = tmp_path / f"b{suffix}"
    report = enhance_video(source, target, 2, model=MODEL, segment_s=0.08)
    assert (report.codec, report.pixel_format) == ("vp9", "yuva420p")
    assert b"\x53\xc0\x81\x01" in target.read_bytes()[:4096]  # AlphaMode of Matroska's track
    before = alpha_by_ffmpeg(source, (WIDTH, HEIGHT), 8)
    after = alpha_by_ffmpeg(target, (WIDTH * 2, HEIGHT * 2), 8)
    assert after.shape[0] == COUNT
    assert np.abs(after - enlarged(before, 8)).mean() < 3
    assert times(target) == times(source)


def test_segments_of_vp9_keep_times_finer_than_matroskas(tmp_path: Path) -> None:
    source = clip(tmp_path, "prores_ks", "yuva444p10le", ".mov", count=70)
    report = enhance_video(source, tmp_path / "b.webm", 2, model=MODEL, segment_s=1)
    assert report.pixel_format == "yuva420p"
    pairs = zip(times(report.target), times(source), strict=True)
    assert max(abs(one - other) for one, other in pairs) <= Fraction(1, 2000)


@pytest.mark.parametrize(
    ("codec", "fmt", "suffix"),
    [("ffv1", "yuva420p", ".mkv"), ("libvpx-vp9", "yuva420p", ".webm")],
)
def test_an_interrupted_run_continues_to_the_same_file(
    tmp_path: Path, codec: str, fmt: str, suffix: str
) -> None:
    source = clip(tmp_path, codec, fmt, suffix, count=20)
    kept: dict[str, Any] = {"model": MODEL, "segment_s": 0.2}
    whole = enhance_video(source, tmp_path / f"whole{suffix}", 2, **kept)
    target = tmp_path / f"b{suffix}"
    with pytest.raises(Cancelled):
        enhance_video(source, target, 2, progress=stop_after(12), **kept)
    report = enhance_video(source, target, 2, **kept)
    assert report.resumed_frames > 0
    assert report.frames == whole.frames == 20

    def packets(path: Path) -> list[bytes]:
        with av.open(str(path)) as file:
            found = [p for p in file.demux(video=0) if p.size]
            return [bytes(p) + b"".join(map(bytes, p.iter_sidedata())) for p in found]

    assert packets(target) == packets(whole.target)


def test_what_frames_show_does_not_depend_on_segments(tmp_path: Path) -> None:
    source = clip(tmp_path, "ffv1", "yuva444p16le", ".mkv")
    shown = []
    for number, length in enumerate((0.04, 0.12, 10)):
        target = tmp_path / f"b{number}.mkv"
        enhance_video(source, target, 2, model=MODEL, segment_s=length)
        with av.open(str(target)) as file:
            shown.append([bytes(p) for f in file.decode(video=0) for p in f.planes])
    assert shown[0] == shown[1] == shown[2]


@pytest.mark.parametrize("options", [{}, {"codec": "h264"}, {"crf": 20}, {"codec": "vp9"}])
def test_one_note_where_the_result_holds_none_and_no_stale_tag(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    source = clip(tmp_path, "libvpx-vp9", "yuva420p", ".webm")
    codec = options.get("codec", "h264")
    suffix = ".mkv" if options and codec == "h264" else ".mp4"
    report = enhance_video(source, tmp_path / f"b{suffix}", 2, model=MODEL, **options)
    assert (report.codec, report.pixel_format) == (codec, "yuv420p")
    assert sum("transparency" in note for note in report.notes) == 1
    with av.open(str(report.target)) as file:
        tags = {key.lower() for key in file.streams.video[0].metadata}
    assert "alpha_mode" not in tags
    assert b"\x53\xc0\x81\x01" not in report.target.read_bytes()[:4096]


def test_a_turned_clip_with_alpha_beside_it_stays_turned(tmp_path: Path) -> None:
    from .clips import QUARTER_TURN

    source = make_clip(
        *(tmp_path / "a.mkv", range(0, 120, 40)),
        time_base=Fraction(1, 1000),
        fmt="yuva420p",
        codec="libvpx-vp9",
        color=(1, 1, 1, 1),
        matrix=QUARTER_TURN,
    )
    before = probe(source)
    assert before.format.alpha
    enhance_video(source, tmp_path / "b.mkv", 2, model=MODEL)
    after = probe(tmp_path / "b.mkv")
    assert (after.rotation, after.color) == (before.rotation, before.color)
    assert before.color.primaries == 1


@pytest.mark.parametrize("fmt", ["yuva420p", "bgra", "gbrap10le", "yuva444p10le"])
def test_hidden_colour_does_not_bleed(tmp_path: Path, fmt: str) -> None:
    """Two clips that differ only under full transparency look the same where they show."""
    results = []
    for number, hidden in enumerate((0, 65535)):
        folder = tmp_path / str(number)
        folder.mkdir()
        with av.open(str(folder / "a.mkv"), "w") as out:
            stream: Any = out.add_stream("ffv1", rate=25)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, fmt
            pixels = np.full((HEIGHT, WIDTH, 4), 30000, np.uint16)
            pixels[..., 3] = 65535
            pixels[:, :24] = (hidden, hidden, hidden, 0)
            frame = av.VideoFrame.from_ndarray(pixels, "rgba64le").reformat(format=fmt)
            frame.pts, frame.time_base = 0, Fraction(1, 25)
            out.mux(stream.encode(frame))
            out.mux(stream.encode())
        enhance_video(folder / "a.mkv", folder / "b.mkv", 2, model=MODEL)
        with av.open(str(folder / "b.mkv")) as file:
            frame = next(file.decode(video=0))
            results.append(frame.to_ndarray(format="rgba64le").astype(int))
    one, other = results
    shows = one[..., 3] > 0
    assert np.array_equal(one[..., 3], other[..., 3])
    assert 0 < shows.mean() < 1
    assert np.abs(one - other)[shows].max() <= 257  # a level of the way to RGB
    assert np.abs(one - 30000)[shows][:, :3].max() < 1500
    assert one[:, :40, 0].max() < other[:, :40, 0].min()  # what is hidden stays


def test_chroma_is_filled_where_all_of_its_pixels_are_hidden() -> None:
    form = Planar("420", 8)
    work = Transparency(form, (8, 4), Planar("420", 8, alpha=True), (8, 4), 4)
    frame = av.VideoFrame(8, 4, "yuv420p")
    for part, level in zip(frame.planes, (100, 150, 90), strict=True):
        np.frombuffer(part, np.uint8)[:] = level
    plane(frame, 0, form.dtype)[:, :3] = 16
    plane(frame, 1, form.dtype)[:, :1] = 255
    alpha = np.full((4, 8), 255, np.uint8)
    alpha[:, :3] = 0
    work.fill(frame, alpha)
    assert (plane(frame, 0, form.dtype) == 100).all()
    assert (plane(frame, 1, form.dtype) == 150).all()
