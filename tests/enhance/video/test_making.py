"""Videos through networks that leave the size as it is: denoisers, sharpeners, relighters."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from crispen.engines.base import Pixels
from crispen.enhance.api import enhance_video
from crispen.enhance.video.frames import FrameEnhancer
from crispen.errors import UsageError
from crispen.media import color as matrices
from crispen.media.video.header import Color
from crispen.media.video.pixel_formats import plane, source_format
from crispen.models.card import ModelCard
from crispen.models.store import with_card

from .clips import frames, make_clip, picture

Factory = Callable[..., Path]


@pytest.fixture
def network(tmp_path: Path) -> Factory:
    """A model file that multiplies what it sees."""

    def make(color: str, gain: float = 1.0) -> Path:
        channels = 3 if color == "rgb" else 1
        io = [
            helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", channels, "h", "w"])
            for n in ("input", "output")
        ]
        kernel = gain * np.eye(channels, dtype=np.float32).reshape(channels, channels, 1, 1)
        graph = helper.make_graph(
            [helper.make_node("Conv", ["input", "k"], ["output"])],
            "g",
            io[:1],
            io[1:],
            [numpy_helper.from_array(kernel.astype(np.float32), "k")],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        card = ModelCard(name=f"times-{gain}", task="denoise", color=color, halo=0)  # type: ignore[arg-type]
        path = tmp_path / f"{color}-{gain}.onnx"
        path.write_bytes(with_card(model.SerializeToString(), card))
        return path

    return make


class Times:
    """An engine that multiplies, of scale 1."""

    name, device, precision = "test", "cpu", "fp32"
    bytes_per_px = 300.0
    dials = None

    def __init__(self, color: str, gain: float) -> None:
        self.card = ModelCard(name="times", task="relight", color=color, halo=0)  # type: ignore[arg-type]
        self.gain = gain

    def run(self, pixels: Pixels, *, peak: int | None = None, studio: bool = False) -> Pixels:
        return np.rint(pixels * self.gain).astype(pixels.dtype)  # type: ignore[no-any-return]

    def interrupt(self, thread: int) -> None:
        pass

    def close(self) -> None:
        pass


def enhancer_of(frame: av.VideoFrame, engine: Times, color: Color, **more: Any) -> FrameEnhancer:
    form = source_format(frame.format)
    size = (frame.width, frame.height)
    return FrameEnhancer(
        [engine], size, form, color, size, form.planar, memory_bytes=1 << 28, **more
    )


def planes(frame: av.VideoFrame) -> list[np.ndarray]:
    dtype = source_format(frame.format).planar.dtype
    return [plane(frame, i, dtype).copy() for i in range(len(frame.planes))]


FORMATS = ("yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv420p12le", "gray")


@pytest.mark.parametrize("color", ["luma", "rgb"])
@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize(("matrix", "full"), [(1, 1), (5, 1), (1, 2), (9, 1)])
def test_what_a_network_leaves_alone_stays_to_the_last_bit(
    color: str, fmt: str, matrix: int, full: int
) -> None:
    frame = picture(50, 34, 3, fmt)
    before = planes(frame)
    out = enhancer_of(frame, Times(color, 1.0), Color(matrix, 2, 2, full))(frame)
    assert out.format.name == fmt
    for was, now in zip(before, planes(out), strict=True):
        np.testing.assert_array_equal(now, was)


@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("full", [1, 2])
@pytest.mark.parametrize("matrix", [1, 5])
def test_what_an_rgb_network_changes_is_the_colour_that_the_stream_means(
    matrix: int, full: int, bits: int
) -> None:
    unit = 1 << (bits - 8)
    frame = av.VideoFrame(32, 32, "yuv420p" if bits == 8 else "yuv420p10le")
    levels = np.array([150, 110, 140])
    dtype = np.uint8 if bits == 8 else np.uint16
    for part, level in zip(frame.planes, levels, strict=True):
        np.frombuffer(part, dtype)[:] = level * unit
    out = enhancer_of(frame, Times("rgb", 0.75), Color(matrix, 2, 2, full))(frame)
    family = {1: "BT709", 5: "BT601"}[matrix]
    ycbcr = getattr(matrices, f"{family}_{'STUDIO' if full == 1 else 'FULL'}")
    expected = ycbcr.from_rgb(0.75 * ycbcr.to_rgb(levels / 255.0)) * 255 * unit
    for level, now in zip(expected, planes(out), strict=True):
        assert abs(float(now.mean()) - level) <= 1.5 * unit


@pytest.mark.parametrize("color", ["luma", "rgb"])
def test_strength_of_a_frame(color: str) -> None:
    frame = picture(48, 32, 0)
    full, half, none = (
        planes(
            enhancer_of(picture(48, 32, 0), Times(color, 0.5), Color(1, 2, 2, 1), strength=s)(
                picture(48, 32, 0)
            )
        )[0].astype(float)
        for s in (1.0, 0.5, 0.0)
    )
    luma = planes(frame)[0]
    np.testing.assert_array_equal(none, luma)
    assert np.abs(half - (luma + full) / 2).max() <= (0.5 if color == "luma" else 1.5)


@pytest.mark.parametrize("color", ["luma", "rgb"])
@pytest.mark.parametrize("fmt", ["yuv420p", "yuv420p10le"])
def test_a_whole_video_keeps_size_and_samples(
    color: str, fmt: str, network: Factory, tmp_path: Path
) -> None:
    source = make_clip(
        tmp_path / "a.mkv",
        range(0, 200, 40),
        time_base=Fraction(1, 1000),
        size=(50, 34),
        fmt=fmt,
        codec="ffv1",
    )
    report = enhance_video(source, tmp_path / "b.mkv", model=network(color), codec="ffv1")
    assert (report.source_size, report.target_size) == ((50, 34), (50, 34))
    assert report.pixel_format == fmt
    for was, now in zip(frames(source), frames(tmp_path / "b.mkv"), strict=True):
        np.testing.assert_array_equal(now, was)


def test_strength_and_size_of_a_whole_video(network: Factory, tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", size=(48, 32))
    dark = network("luma", 0.5)
    report = enhance_video(source, tmp_path / "b.mp4", model=dark, strength=0.5)
    assert report.target_size == (48, 32)
    was, now = np.mean(frames(source)), np.mean(frames(tmp_path / "b.mp4"))
    assert now == pytest.approx(0.75 * was, abs=1.0)
    large = enhance_video(source, tmp_path / "c.mp4", 2, model=dark)
    assert (large.target_size, large.models) == ((96, 64), ("times-0.5", "photo-fast-x2"))


def test_strength_of_an_upscaler_is_refused(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4")
    with pytest.raises(UsageError, match="only enlarges"):
        enhance_video(source, tmp_path / "b.mp4", strength=0.5)
    assert not (tmp_path / "b.mp4").exists()


def test_permissions_are_those_of_the_source(network: Factory, tmp_path: Path) -> None:
    source, target = tmp_path / "a.mp4", tmp_path / "b.mp4"
    make_clip(source, range(0, 512 * 3, 512))
    source.chmod(0o600)
    enhance_video(source, target, model=network("luma"))
    assert target.stat().st_mode & 0o777 == 0o600
    # What is replaced keeps its own.
    target.chmod(0o640)
    enhance_video(source, target, model=network("luma"), overwrite=True)
    assert target.stat().st_mode & 0o777 == 0o640
