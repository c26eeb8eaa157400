"""What networks see of a frame, and what becomes of the colours."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from crispen.engines.base import Pixels
from crispen.enhance.api import enhance_video
from crispen.enhance.model import load
from crispen.enhance.video.frames import FrameEnhancer
from crispen.evaluate.metrics import luma255, psnr
from crispen.media.image import read_image
from crispen.media.resample import resize
from crispen.media.video.container import probe
from crispen.media.video.header import Color
from crispen.media.video.pixel_formats import Planar, plane, source_format
from crispen.models.card import ModelCard

from .clips import MODEL, frames, make_clip


class Bicubic:
    """An engine that enlarges bicubically and remembers what it saw."""

    name, device, precision = "test", "cpu", "fp32"
    bytes_per_px = 300.0
    dials = None

    def __init__(self, color: str) -> None:
        self.card = ModelCard(name="bicubic", scale=2, color=color, halo=2)  # type: ignore[arg-type]
        self.seen: list[tuple[Pixels, int | None]] = []

    def run(self, pixels: Pixels, *, peak: int | None = None, studio: bool = False) -> Pixels:
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
    for part, level in zip(frame.planes, levels, strict=True):
        np.frombuffer(part, np.uint8)[:] = level
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
    assert np.abs(seen - expected).max() <= 0.51
    for part, level in zip(out.planes, levels, strict=True):
        assert (np.frombuffer(part, np.uint8)[:64] == level).all()


@pytest.mark.parametrize("fmt", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p12le"])
@pytest.mark.parametrize("full", [0, 1, 2])
@pytest.mark.parametrize("matrix", [1, 5, 9])
def test_the_way_to_rgb_and_back_costs_no_level(matrix: int, full: int, fmt: str) -> None:
    """An 8-bit luma of 126 came out as 124, since swscale cut off fractions on either way."""
    form = source_format(av.VideoFormat(fmt))
    unit = 1 << (form.planar.bits - 8)
    enhancer = FrameEnhancer(
        [Bicubic("rgb")],
        *((32, 32), form, Color(matrix, 2, 2, full), (64, 64), form.planar),
        memory_bytes=1 << 28,
    )
    for level in range(24, 232, 13):
        for chroma in ((128, 128), (124, 133)):
            frame = av.VideoFrame(32, 32, fmt)
            levels = (level, *chroma)
            for part, value in zip(frame.planes, levels, strict=True):
                np.frombuffer(part, form.planar.dtype)[:] = value * unit
            out = enhancer(frame)
            for index, value in enumerate(levels):
                made = plane(out, index, form.planar.dtype).astype(int)
                assert np.abs(made - value * unit).max() <= (0 if unit == 1 else 1)


@pytest.mark.parametrize(("task", "strength"), [("denoise", 1.0), ("relight", 0.0)])
def test_a_real_clip_keeps_its_luma_through_rgb_networks(
    task: str, strength: float, shared_data: Path, tmp_path: Path
) -> None:
    """Measured before: 126.1 became 124.0."""
    source = tmp_path / "a.mkv"
    with av.open(str(shared_data / "video/carphone_pristine.mp4")) as clip:
        first = next(clip.decode(video=0)).reformat(format="yuv420p")
    with av.open(str(source), "w") as out:
        stream: Any = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = first.width, first.height, "yuv420p"
        first.pts = None
        out.mux(stream.encode(first))
        out.mux(stream.encode())
    target = tmp_path / "b.mkv"
    enhance_video(source, target, 2, tasks=task, strength=strength, codec="ffv1")
    assert abs(float(frames(target)[0].mean()) - float(frames(source)[0].mean())) < 0.5


def luma_frame(levels: np.ndarray) -> av.VideoFrame:
    frame = av.VideoFrame(levels.shape[1], levels.shape[0], "yuv444p")
    for index in range(3):
        plane(frame, index, np.dtype(np.uint8))[:] = levels if index == 0 else 128
    return frame


@pytest.mark.parametrize("model", ["photo-fast-x2", "espcn-x2"])
def test_a_clip_scores_the_same_in_either_range(model: str, shared_data: Path) -> None:
    """Measured before a plane had a range: 35.97 dB in full range, 40.39 dB in studio range."""
    hr = luma255(read_image(shared_data / "valid/Set5/HR/img_002.png").as_rgb8())
    lr = luma255(read_image(shared_data / "valid/Set5/LR_x2/img_002.png").as_rgb8())
    height, width = lr.shape
    engine = load(model, threads=1).engine
    scores = []
    for full in (1, 2):
        levels = lr if full == 1 else (lr - 16) * (255 / 219)
        frame = luma_frame(np.rint(levels).astype(np.uint8))
        form = source_format(frame.format)
        enhancer = FrameEnhancer(
            [engine],
            *((width, height), form, Color(1, 2, 2, full), (2 * width, 2 * height), form.planar),
            memory_bytes=1 << 28,
        )
        out = plane(enhancer(frame), 0, np.dtype(np.uint8)).astype(float)
        studio = out if full == 1 else 16 + out * (219 / 255)
        scores.append(psnr(studio, hr[: 2 * height, : 2 * width], border=2))
    # Full range has finer steps, so that rounding costs it a little less.
    assert scores[1] == pytest.approx(scores[0], abs=0.15)
    assert min(scores) > 41


GREY = [
    # tag, codec, tag of the result, luma of the result for 100 in the source
    (0, "ffv1", 0, 100),
    (1, "ffv1", 1, 100),
    (2, "ffv1", 2, 100),
    (0, "vp9", 2, 100),  # no grey there; FFmpeg takes untagged grey for full range
    (1, "vp9", 1, 100),
    (0, "prores", 1, 4 * (16 + 100 * 219 / 255)),  # no full range there
    (2, "prores", 1, 4 * (16 + 100 * 219 / 255)),
    (1, "prores", 1, 400),
]


@pytest.mark.parametrize(("tag", "codec", "result", "level"), GREY)
@pytest.mark.parametrize("model", ["espcn-x2", "srcnn-x2"])
def test_grey_video_keeps_its_range_or_says_the_new_one(
    tag: int, codec: str, result: int, level: float, model: str, tmp_path: Path
) -> None:
    source = tmp_path / "a.mkv"
    with av.open(str(source), "w") as out:
        stream: Any = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "gray"
        stream.codec_context.color_range = tag
        frame = av.VideoFrame(48, 32, "gray")
        plane(frame, 0, np.dtype(np.uint8))[:] = 100
        out.mux(stream.encode(frame))
        out.mux(stream.encode())
    target = tmp_path / ("b.mov" if codec == "prores" else "b.mkv")
    report = enhance_video(source, target, 2, model=model, codec=codec)
    assert probe(target).color.range == result
    assert abs(float(frames(target)[0].mean()) - level) <= 1
    assert any("studio range" in note for note in report.notes) == (codec == "prores" and tag != 1)


def test_luma_networks_see_the_plane_as_it_lies() -> None:
    from .clips import picture

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
    for index, part in enumerate(frame.planes):
        rows = np.frombuffer(part, np.uint16).reshape(part.height, -1)
        rows[:] = 512
        if index == 1:
            rows[:, : part.width] = 100 + 6 * np.arange(part.width)
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


@pytest.mark.parametrize(
    ("codec", "fmt", "suffix"),
    [
        ("mjpeg", "yuvj420p", ".avi"),
        ("mjpeg", "yuvj422p", ".avi"),
        ("mpeg1video", "yuv420p", ".mpg"),
        ("h263", "yuv420p", ".avi"),
    ],
)
def test_chroma_between_columns_stays_where_it_is(
    tmp_path: Path, codec: str, fmt: str, suffix: str
) -> None:
    """JPEG, MPEG-1 and H.263 have it at luma column 2k + 0.5; players expect results' at 2k."""
    path = tmp_path / f"a{suffix}"
    with av.open(str(path), "w") as out:
        options = {"qmin": "1", "qmax": "1", "b": "20M"}
        stream: Any = out.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 128, 96, fmt
        for number in range(3):
            frame = av.VideoFrame(128, 96, fmt)
            for index, part in enumerate(frame.planes):
                rows = np.frombuffer(part, np.uint8).reshape(part.height, -1)
                rows[:] = 128
                if index == 1:
                    rows[:, : part.width] = 30 + 3 * np.arange(part.width)
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    header = probe(path)
    assert header.centred
    assert not header.top_left
    with av.open(str(path)) as file:
        first = next(file.decode(video=0))
    enhancer = FrameEnhancer(
        *([], (128, 96), header.format, header.color, (256, 192), Planar("420", 16)),
        memory_bytes=1 << 28,
        centred=header.centred,
    )
    made = plane(enhancer(first), 1, np.dtype(np.uint16))[80, 40:88].astype(float)
    coded = plane(first, 1, np.dtype(np.uint8))[40].astype(float)
    slope, level = np.polyfit(np.arange(20, 44), coded[20:44], 1)
    # Result's column 2k is the source's k - 0.25, where its chroma is number k/2 - 0.375.
    places = (made / 256 - level) / slope
    assert abs(float((places - np.arange(40, 88) / 2).mean()) + 0.375) < 0.03
