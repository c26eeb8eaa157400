"""What networks see of a frame, and what becomes of the colours."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from crispen.engines.base import Pixels
from crispen.enhance._video_frames import FrameEnhancer
from crispen.enhance.api import enhance_video
from crispen.media._video_format import source_format
from crispen.media.resample import resize
from crispen.media.video import Color, probe
from crispen.models.card import ModelCard

from .video_clips import MODEL, make_clip


class Bicubic:
    """An engine that enlarges bicubically and remembers what it saw."""

    name, device, precision = "test", "cpu", "fp32"
    bytes_per_px = 300.0

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
