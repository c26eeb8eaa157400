"""Interruptions, sizes, and sources or targets that cannot be used."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from crispen.engines.base import Pixels
from crispen.enhance._video_frames import FrameEnhancer
from crispen.enhance.video import enhance_video
from crispen.errors import (
    Cancelled,
    CrispenError,
    InputError,
    MissingInput,
    OutputError,
    UsageError,
)
from crispen.media._video_format import source_format
from crispen.media.resample import resize
from crispen.media.video import Color, probe
from crispen.models.card import ModelCard
from crispen.progress import Event, Progress

from .video_clips import QUARTER_TURN, frames, make_clip, payload, times

MODEL = "espcn-x2"


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def stop_after(count: int) -> Progress:
    """A progress that cancels itself."""

    def listen(event: Event) -> None:
        if event.done >= count:
            progress.cancel()

    progress = Progress(listen)
    return progress


def test_a_killed_run_goes_on_to_the_same_file(tmp_path: Path) -> None:
    stamps = [512 * n + (n % 3) * 7 for n in range(60)]
    source = make_clip(tmp_path / "a.mp4", stamps, audio=[("aac", 0.0, 1.0)])
    enhance_video(source, tmp_path / "whole.mp4", 2, model=MODEL, segment_s=0.4)
    code = (
        "import sys, time\n"
        "from crispen.enhance.video import enhance_video\n"
        "from crispen.progress import Progress\n"
        "slow = Progress(lambda event: time.sleep(0.05))\n"
        f"options = dict(model={MODEL!r}, segment_s=0.4, progress=slow)\n"
        "enhance_video(sys.argv[1], sys.argv[2], 2, **options)\n"
    )
    target = tmp_path / "b.mp4"
    run = subprocess.Popen(
        [sys.executable, "-c", code, str(source), str(target)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    third = tmp_path / ".b.mp4.part" / "seg-00003.seg"
    deadline = time.monotonic() + 60
    while not third.exists() and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert third.exists()
    assert not target.exists()
    report = enhance_video(source, target, 2, model=MODEL, segment_s=0.4)
    assert 30 <= report.resumed_frames < 60
    assert report.frames == 60
    assert times(target) == times(source)
    assert payload(target, "video") == payload(tmp_path / "whole.mp4", "video")
    assert payload(target, "audio") == payload(source, "audio")
    assert names(tmp_path) == ["a.mp4", "b.mp4", "whole.mp4"]


def test_cancel_leaves_segments_that_a_changed_setting_ignores(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", range(0, 512 * 40, 512))
    target = tmp_path / "b.mp4"
    with pytest.raises(Cancelled, match="same command again"):
        enhance_video(source, target, 1, segment_s=0.4, progress=stop_after(25))
    assert names(tmp_path) == [".b.mp4.part", "a.mp4"]
    assert names(tmp_path / ".b.mp4.part") == ["job.json", "seg-00001.seg", "seg-00002.seg"]
    assert enhance_video(source, target, 1, segment_s=0.4, crf=30).resumed_frames == 0
    target.unlink()
    with pytest.raises(Cancelled):
        enhance_video(source, target, 1, segment_s=0.4, progress=stop_after(25))
    # A damaged segment is made again, with all after it.
    first = tmp_path / ".b.mp4.part" / "seg-00002.seg"
    first.write_bytes(first.read_bytes()[:200])
    assert enhance_video(source, target, 1, segment_s=0.4).resumed_frames == 10
    assert times(target) == times(source)
    assert names(tmp_path) == ["a.mp4", "b.mp4"]


def test_without_resume_nothing_is_left(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", range(0, 512 * 40, 512))
    with pytest.raises(Cancelled):
        enhance_video(
            source, tmp_path / "b.mp4", 1, segment_s=0.4, resume=False, progress=stop_after(25)
        )
    assert names(tmp_path) == ["a.mp4"]


def test_an_interrupted_join_is_all_that_is_left_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import crispen.media._video_mux as mux

    source = make_clip(tmp_path / "a.mp4", range(0, 512 * 12, 512))

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(mux, "join", interrupt)
        with pytest.raises(Cancelled):
            enhance_video(source, tmp_path / "b.mp4", 1, segment_s=0.2)
    report = enhance_video(source, tmp_path / "b.mp4", 1, segment_s=0.2)
    assert report.resumed_frames == report.frames == 12
    assert times(tmp_path / "b.mp4") == times(source)


def test_two_runs_never_share_a_folder(tmp_path: Path) -> None:
    from crispen.enhance.segments import Parts

    with (
        Parts(tmp_path / "b.mp4", {}, resume=True),
        pytest.raises(OutputError, match="another run"),
        Parts(tmp_path / "b.mp4", {}, resume=True),
    ):
        pass


@pytest.mark.parametrize(
    ("wish", "size"),
    [
        ({"scale": 1.5}, (72, 48)),
        ({"scale": 3.3}, (158, 106)),
        ({"size": (100, None)}, (100, 66)),
        ({"size": (95, 63)}, (94, 62)),
        ({"size": (300, 100), "fit": True}, (150, 100)),
        ({"scale": 0.5}, (24, 16)),
    ],
)
def test_any_size(tmp_path: Path, wish: dict[str, object], size: tuple[int, int]) -> None:
    source = make_clip(tmp_path / "a.mp4", range(0, 1536, 512))
    report = enhance_video(source, tmp_path / "b.mp4", model=MODEL, **wish)  # type: ignore[arg-type]
    assert report.target_size == size
    header = probe(tmp_path / "b.mp4")
    assert (header.width, header.height) == size
    small = frames(source)[0].astype(float)
    large = frames(tmp_path / "b.mp4")[0].astype(float)
    # The picture is the same: bicubic back to the source's size comes near it.
    assert np.abs(resize(large, 32, 48) - small).mean() < 6


def test_a_turned_video_is_sized_as_it_is_shown(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", range(0, 1536, 512), matrix=QUARTER_TURN)
    report = enhance_video(source, tmp_path / "b.mp4", size=(64, 96), model=MODEL)
    assert report.target_size == (96, 64)


class Bicubic:
    """An engine that enlarges bicubically and remembers what it saw."""

    name, device, precision = "test", "cpu", "fp32"

    def __init__(self, color: str) -> None:
        self.card = ModelCard(name="bicubic", scale=2, color=color, halo=2)  # type: ignore[arg-type]
        self.seen: list[tuple[Pixels, int | None]] = []

    def run(self, pixels: Pixels, *, peak: int | None = None) -> Pixels:
        self.seen.append((pixels, peak))
        height, width = pixels.shape[:2]
        return resize(pixels, height * 2, width * 2)  # type: ignore[return-value]

    def interrupt(self, thread: int) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.mark.parametrize("full", [1, 2])
@pytest.mark.parametrize("matrix", [1, 5])
def test_rgb_networks_see_the_colours_the_stream_means(matrix: int, full: int) -> None:
    frame = av.VideoFrame(32, 32, "yuv444p")
    levels = (120, 100, 160)
    for plane, level in zip(frame.planes, levels, strict=True):
        np.frombuffer(plane, np.uint8)[:] = level
    engine = Bicubic("rgb")
    color = Color(matrix, 2, 2, full)
    form = source_format(frame.format)
    enhancer = FrameEnhancer(
        [engine], (32, 32), form, color, (64, 64), form.planar, memory_bytes=1 << 28
    )
    out = enhancer(frame)
    from crispen.media import color as matrices

    family = {1: "BT709", 5: "BT601"}[matrix]
    ycbcr = getattr(matrices, f"{family}_{'STUDIO' if full == 1 else 'FULL'}")
    expected = np.clip(ycbcr.to_rgb(np.array(levels) / 255.0), 0, 1) * 255
    seen = engine.seen[0][0].reshape(-1, 3)[0].astype(float)
    assert np.abs(seen - expected).max() <= 2
    for plane, level in zip(out.planes, levels, strict=True):
        assert abs(float(np.frombuffer(plane, np.uint8)[:64].mean()) - level) <= 2


def test_luma_networks_see_the_plane_as_it_lies() -> None:
    from .video_clips import picture

    frame = picture(48, 32, 0, "yuv420p10le")
    engine = Bicubic("luma")
    form = source_format(frame.format)
    enhancer = FrameEnhancer(
        [engine], (48, 32), form, Color(), (96, 64), form.planar, memory_bytes=1 << 28
    )
    out = enhancer(frame)
    pixels, peak = engine.seen[0]
    rows = np.frombuffer(frame.planes[0], np.uint16).reshape(32, -1)[:, :48]
    assert peak == 1023
    assert np.array_equal(pixels[..., 0], rows)
    large = np.frombuffer(out.planes[0], np.uint16).reshape(64, -1)[:, :96]
    assert np.array_equal(large, resize(rows, 64, 96))


def test_chroma_stays_where_left_sited_samples_lie(tmp_path: Path) -> None:
    # MPEG-2 siting: sample k lies on luma column 2k, so twice as large it lies at k/2 - 1/8.
    frame = av.VideoFrame(256, 64, "yuv420p10le")
    for index, plane in enumerate(frame.planes):
        rows = np.frombuffer(plane, np.uint16).reshape(plane.height, -1)
        rows[:] = 512
        if index == 1:
            rows[:, : plane.width] = 100 + 6 * np.arange(plane.width)
    with av.open(str(tmp_path / "a.mkv"), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = 256, 64, "yuv420p10le"  # type: ignore[union-attr]
        out.mux(stream.encode(frame))  # type: ignore[union-attr,arg-type]
        out.mux(stream.encode())  # type: ignore[union-attr]
    with av.open(str(tmp_path / "a.mkv")) as file:
        left = next(file.decode(video=0))
    form = source_format(left.format)
    enhancer = FrameEnhancer(
        [], (256, 64), form, Color(), (512, 128), form.planar, memory_bytes=1 << 28
    )
    chroma = np.frombuffer(enhancer(left).planes[1], np.uint16).reshape(64, -1)[20, 40:200]
    expected = 100 + 6 * (np.arange(40, 200) / 2 - 0.125)
    assert abs(float((chroma - expected).mean())) < 0.3  # a shift of 1/8 would be 0.75


def test_rgb_and_alpha_sources_are_converted_and_said(tmp_path: Path) -> None:
    source = make_clip(
        tmp_path / "a.mkv",
        range(0, 120, 40),
        time_base=Fraction(1, 1000),
        fmt="bgra",
        codec="ffv1",
    )
    report = enhance_video(source, tmp_path / "b.mp4", 2, model=MODEL)
    assert report.pixel_format == "yuv444p"
    assert any("RGB" in n for n in report.notes)
    assert any("transparency" in n for n in report.notes)
    color = probe(tmp_path / "b.mp4").color
    assert (color.matrix, color.range) == (1, 1)
    with av.open(str(source)) as old, av.open(str(tmp_path / "b.mp4")) as new:
        before = next(old.decode(video=0)).to_ndarray(format="rgb24").mean((0, 1))
        after = next(new.decode(video=0)).to_ndarray(format="rgb24").mean((0, 1))
    assert np.abs(before - after).max() < 2.5


def test_a_cut_source_is_enhanced_as_far_as_it_goes_and_said(tmp_path: Path) -> None:
    whole = make_clip(tmp_path / "whole.mkv", range(0, 2000, 40), time_base=Fraction(1, 1000))
    cut = tmp_path / "cut.mkv"
    data = whole.read_bytes()
    cut.write_bytes(data[: len(data) * 6 // 10])
    report = enhance_video(cut, tmp_path / "b.mkv", 1)
    assert 0 < report.frames < 50
    assert report.damaged > 0
    assert any("cut or damaged" in n for n in report.notes)
    assert times(tmp_path / "b.mkv") == times(whole)[: report.frames]


def test_damaged_packets_are_counted(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mkv", range(0, 2000, 40), time_base=Fraction(1, 1000))
    data = bytearray(source.read_bytes())
    rng = np.random.default_rng(5)
    for at in rng.integers(len(data) // 3, len(data) * 2 // 3, 60):
        data[at] ^= 0xFF
    source.write_bytes(data)
    report = enhance_video(source, tmp_path / "b.mkv", 1)
    assert report.damaged > 0
    assert report.notes


def broken_sources(folder: Path) -> dict[str, Path]:
    def write(name: str, data: bytes) -> Path:
        path = folder / name
        path.write_bytes(data)
        return path

    clip = make_clip(folder / "clip.mp4").read_bytes()
    sound = folder / "sound.mp4"
    with av.open(str(sound), "w") as out:
        stream = out.add_stream("aac", rate=48000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 48000
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with av.open(str(folder / "none.mkv"), "w") as out:
        video = out.add_stream("ffv1", rate=25)
        video.width, video.height = 32, 32
        out.start_encoding()
    (folder / "dir.mp4").mkdir()
    return {
        "no such file": folder / "missing.mp4",
        "empty": write("empty.mp4", b""),
        "not a video": write("text.mp4", b"hello\n" * 500),
        "not a video ": write("list.mp4", b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n"),
        "cut or damaged": write("cut.mp4", clip[: len(clip) // 2]),
        "sound without a picture": sound,
        "no frame": folder / "none.mkv",
        "a folder": folder / "dir.mp4",
    }


def test_sources_that_are_no_videos(tmp_path: Path) -> None:
    for text, path in broken_sources(tmp_path).items():
        before = path.read_bytes() if path.is_file() else None
        out = tmp_path / "out"
        out.mkdir(exist_ok=True)
        with pytest.raises(InputError, match=text.strip()) as caught:
            enhance_video(path, out / "b.mp4")
        assert "\n" not in str(caught.value)
        assert str(path) in str(caught.value)
        assert isinstance(caught.value, MissingInput) == (text == "no such file")
        assert list(out.iterdir()) == []
        assert (path.read_bytes() if path.is_file() else None) == before


def test_targets_that_cannot_be(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", range(0, 1536, 512))
    data = source.read_bytes()
    (tmp_path / "link.mp4").symlink_to(source)
    (tmp_path / "old.mp4").write_bytes(b"old")
    cases: list[tuple[str, dict[str, object], type[CrispenError], str]] = [
        ("a.mp4", {"overwrite": True}, OutputError, "the source itself"),
        ("link.mp4", {"overwrite": True}, OutputError, "the source itself"),
        ("old.mp4", {}, OutputError, "--overwrite"),
        ("none/b.mp4", {}, OutputError, "no such folder"),
        ("b.avi", {}, UsageError, "not a video format that can be written"),
        ("b", {}, UsageError, "choose a name ending in"),
        ("b.mp4", {"codec": "h265x"}, UsageError, "no video codec 'h265x'.*h264"),
        ("b.webm", {"codec": "h264"}, UsageError, "does not go into .webm"),
        ("b.mp4", {"preset": "quick"}, UsageError, "superfast"),
        ("b.mp4", {"crf": 99}, UsageError, "outside 0 to 51"),
        ("b.mkv", {"codec": "ffv1", "crf": 3}, UsageError, "no --crf"),
        ("b.mp4", {"model": "foto-fast"}, CrispenError, "photo-fast"),
    ]
    for name, options, kind, text in cases:
        with pytest.raises(kind, match=text) as caught:
            enhance_video(source, tmp_path / name, **options)  # type: ignore[arg-type]
        assert "\n" not in str(caught.value)
    assert names(tmp_path) == ["a.mp4", "link.mp4", "old.mp4"]
    assert source.read_bytes() == data
    assert (tmp_path / "old.mp4").read_bytes() == b"old"
    enhance_video(source, tmp_path / "old.mp4", 1, overwrite=True)
    assert times(tmp_path / "old.mp4") == times(source)


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
    )
    if os.geteuid() != 0 or mounted.returncode:
        pytest.skip("needs the right to mount a small tmpfs")
    try:
        source = make_clip(tmp_path / "a.mp4", range(0, 512 * 30, 512), size=(160, 128))
        with pytest.raises(OutputError, match="disk is full"):
            enhance_video(source, folder / "b.mp4", 2, model=MODEL, crf=1)
        assert names(folder) == []
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_folder_without_the_right_to_write(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", range(0, 1536, 512))
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o500)
    if os.geteuid() == 0:
        folder = Path("/proc")
    with pytest.raises(OutputError, match=r"b\.mp4: (no permission|cannot be written)"):
        enhance_video(source, folder / "b.mp4", 1)
