"""Sources and targets that are damaged or cannot be used."""

from __future__ import annotations

import os
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from crispen.enhance.api import enhance_video
from crispen.errors import (
    CrispenError,
    InputError,
    MissingInput,
    OutputError,
    UsageError,
)

from .clips import MODEL, make_clip, names, times


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


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_a_cut_file_with_its_index_in_front_is_told(tmp_path: Path, suffix: str) -> None:
    whole = make_clip(tmp_path / "whole.mkv", range(0, 2000, 40), time_base=Fraction(1, 1000))
    cut = tmp_path / f"cut{suffix}"
    front = {"movflags": "faststart"}
    with av.open(str(whole)) as file, av.open(str(cut), "w", container_options=front) as out:
        stream = out.add_stream_from_template(file.streams.video[0])
        for packet in file.demux(video=0):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    data = cut.read_bytes()
    cut.write_bytes(data[: len(data) * 9 // 10])
    report = enhance_video(cut, tmp_path / "b.mkv", 1)
    assert 0 < report.frames < 50
    assert any("cut or damaged" in n for n in report.notes)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_sound_that_outlasts_the_picture_is_no_damage(tmp_path: Path, suffix: str) -> None:
    source = make_clip(tmp_path / f"a{suffix}", audio=[("aac", 0, 5)])
    report = enhance_video(source, tmp_path / f"b{suffix}", 1)
    assert (report.frames, report.damaged) == (12, 0)
    assert not report.notes


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_frames_that_come_irregularly_are_no_damage(tmp_path: Path, suffix: str) -> None:
    stamps = [0, 40, 80, 400, 440, 1000, 1040, 3000, 3500, 9000]
    source = make_clip(tmp_path / f"a{suffix}", stamps, time_base=Fraction(1, 1000))
    report = enhance_video(source, tmp_path / f"b{suffix}", 1)
    assert (report.frames, report.damaged) == (10, 0)
    assert not report.notes


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
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(folder)],
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
