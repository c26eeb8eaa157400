"""What an encoder is given, and which pixel formats can be asked for."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from crispen.enhance.api import enhance_video
from crispen.enhance.video.encoder import Encoder
from crispen.errors import UsageError
from crispen.media.video.codecs import find_codec
from crispen.media.video.container import probe
from crispen.media.video.header import Color
from crispen.media.video.pixel_formats import Planar

from .clips import frames, make_clip, picture


def test_an_encoder_of_interleaved_chroma_gets_the_same_samples(tmp_path: Path) -> None:
    """As graphics cards want it; x264 takes both, and keeps all with a quantiser of 0."""
    header = probe(make_clip(tmp_path / "a.mp4"))
    planar = find_codec("h264", ".mp4")
    made = []
    for codec in (planar, dataclasses.replace(planar, formats=("nv12",))):
        encoder = Encoder(
            *(codec, {"qp": "0"}, (48, 32), Planar("420", 8), Color(1, 1, 1, 1), header, None, 1)
        )
        source = [picture(48, 32, number) for number in range(3)]
        for number, frame in enumerate(source):
            frame.pts, frame.time_base = number * 512, Fraction(1, 12800)
        encoder.write(tmp_path / "c.seg", iter(source))
        with av.open(str(tmp_path / "c.seg")) as file:
            made.append([f.to_ndarray(format="yuv420p") for f in file.decode(video=0)])
    assert len(made[0]) == 3
    for one, other in zip(*made, strict=True):
        assert np.array_equal(one, other)
    assert np.array_equal(made[0][1], picture(48, 32, 1).to_ndarray())


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_shortest_segments_are_written_every_time(tmp_path: Path, count: int) -> None:
    """x265 leaves times of decoding to chance in a segment shorter than its delay."""
    header = probe(make_clip(tmp_path / "a.mp4"))
    options = {"preset": "medium", "x265-params": "log-level=none"}
    encoder = Encoder(
        *(find_codec("hevc", ".mp4"), options, (64, 64), Planar("420", 8), Color(1, 1, 1, 1)),
        *(header, None, None),
    )
    for _ in range(20):
        source = [picture(64, 64, number) for number in range(count)]
        for number, frame in enumerate(source):
            frame.pts, frame.time_base = number * 512, Fraction(1, 12800)
        encoder.write(tmp_path / "c.seg", iter(source))
        with av.open(str(tmp_path / "c.seg")) as file:
            times = [f.pts * f.time_base for f in file.decode(video=0) if f.pts is not None]
        assert times == [Fraction(n * 512, 12800) for n in range(count)]


@pytest.mark.parametrize(
    ("codec", "asked", "held"),
    [
        ("h264", "yuv444p", "yuv444p"),
        ("hevc", "yuv420p10", "yuv420p10le"),
        ("hevc", "yuv422p12le", "yuv422p12le"),
        ("ffv1", "yuv422p", "yuv422p"),
        ("prores", "yuv444p10le", "yuv444p10le"),
    ],
)
def test_the_pixel_format_is_the_one_asked_for(
    tmp_path: Path, codec: str, asked: str, held: str
) -> None:
    # x265 itself breaks down on 48x32 in 10 bits.
    source = make_clip(tmp_path / "a.mp4", range(0, 1536, 512), size=(128, 96), color=(1, 1, 1, 1))
    suffix = ".mov" if codec == "prores" else ".mkv"
    target = tmp_path / f"b{suffix}"
    report = enhance_video(source, target, 1, codec=codec, crf=None, pix_fmt=asked)
    assert report.notes == ()
    header = probe(target)
    assert header.format.name == held
    shift = header.format.planar.bits - 8
    mean = np.mean([f.mean() for f in frames(source)])
    assert np.mean([f.mean() for f in frames(target)]) / (1 << shift) == pytest.approx(mean, abs=1)


def test_a_pixel_format_that_the_codec_does_not_take_is_refused_before_work(
    tmp_path: Path,
) -> None:
    with pytest.raises(UsageError, match="av1 does not take --pix-fmt yuv444p; choose one of yuv"):
        enhance_video(
            *(tmp_path / "none.mp4", tmp_path / "b.mp4", 1), codec="av1", pix_fmt="yuv444p"
        )
    with pytest.raises(UsageError, match="no pixel format 'yuv420'; did you mean yuv420p"):
        enhance_video(tmp_path / "none.mp4", tmp_path / "b.mp4", 1, pix_fmt="yuv420")


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="no scheduling policies here")
@pytest.mark.parametrize("codec", ["h264", "hevc", "av1", "vp9", "prores", "ffv1"])
def test_no_codec_changes_how_this_process_is_scheduled(tmp_path: Path, codec: str) -> None:
    """SVT-AV1 would make it, as root, a real-time one, which starves all others."""
    enhance_video(make_clip(tmp_path / "a.mkv"), tmp_path / "b.mkv", codec=codec, scale=1)
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


@pytest.mark.parametrize("size", [(16, 16), (40, 24), (48, 32), (62, 100)])
def test_hevc_of_the_smallest_pictures(tmp_path: Path, size: tuple[int, int]) -> None:
    """x265 would corrupt memory, so that this is tried in a process of its own."""
    source = make_clip(tmp_path / "a.mkv", range(0, 40 * 512, 512), size=size)
    code = (
        "import sys; from crispen import enhance_video\n"
        "for _ in range(3): enhance_video(sys.argv[1], sys.argv[2], codec='hevc', scale=1,"
        " overwrite=True)"
    )
    command = [sys.executable, "-c", code, str(source), str(tmp_path / "b.mkv")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(frames(tmp_path / "b.mkv")) == 40
