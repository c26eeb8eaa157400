"""Previews, samples and measuring."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from crispen.enhance.api import enhance_video
from crispen.enhance.request import Request
from crispen.errors import InputError, UsageError
from crispen.jobs import previews
from crispen.jobs.previews import frame_times, measure, preview_picture, preview_video
from crispen.media.color import BT601_STUDIO
from crispen.media.image import Image, read_image, write_image
from crispen.media.video.container import Damage, read_frames


def test_a_deep_picture_is_shown_in_8_bits(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 64 * 48 * 3).astype(np.uint16).reshape(48, 64, 3)
    write_image(Image(ramp), tmp_path / "a.tiff")
    preview_picture(tmp_path / "a.tiff", tmp_path / "a.png", 10**6)
    shown = read_image(tmp_path / "a.png").pixels
    assert shown.dtype == np.uint8
    assert np.abs(shown.astype(float) - ramp / 257).max() <= 0.5


def test_a_picture_too_large_for_browsers_is_shown_as_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previews, "_MAX_SIDE_PX", 16)
    checks = np.indices((31, 48)).sum(0) % 2 * 200
    write_image(Image(np.dstack([checks] * 3).astype(np.uint8)), tmp_path / "a.png")
    preview_picture(tmp_path / "a.png", tmp_path / "b.png", 10**6)
    shown = read_image(tmp_path / "b.png").pixels
    assert shown.shape == (10, 16, 3)
    # Of nine fields of a chessboard four or five are dark; every third pixel would show it whole.
    assert set(np.unique(shown)) == {89, 111}


def test_a_video_is_shown_with_its_time_stamps(tmp_path: Path) -> None:
    source = tmp_path / "a.mkv"
    stamps = [0, 40, 80, 200, 240]
    with av.open(str(source), "w") as out:
        stream = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for stamp in stamps:
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), stamp, np.uint8), "rgb24")
            frame.pts, frame.time_base = stamp, Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    preview_video(source, tmp_path / "b.mp4")
    with av.open(str(tmp_path / "b.mp4")) as shown:
        assert shown.streams.video[0].codec_context.name == "h264"
        assert shown.streams.video[0].pix_fmt == "yuv420p"
        times = [round(f.pts * f.time_base * 1000) for f in shown.decode(video=0)]
    assert times == stamps
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mkv", "b.mp4"]


def test_a_part_of_a_video_is_shown_in_step_with_its_result(tmp_path: Path) -> None:
    clip = Path(__file__).parents[2] / "docs" / "demo" / "clip.mp4"
    part: dict[str, Any] = {"start": "0.99", "end": 1.6, "crop": "60:40:20:14"}
    enhance_video(clip, tmp_path / "result.mp4", 2, model="espcn", **part)
    wanted = Request.of(**part)
    preview_video(clip, tmp_path / "before.mp4", wanted.span, wanted.box)
    assert frame_times(tmp_path / "before.mp4") == frame_times(tmp_path / "result.mp4")
    assert len(frame_times(tmp_path / "before.mp4")) == 15
    shown = [next(iter(read_frames(tmp_path / n, Damage()))) for n in ("before.mp4", "result.mp4")]
    assert [(f.width, f.height) for f in shown] == [(60, 40), (120, 80)]
    before, after = (f.reformat(60, 40, "gray").to_ndarray().astype(float) for f in shown)
    assert np.abs(before - after).mean() < 4


def test_measuring(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    reference = rng.integers(0, 256, (40, 48, 3), np.uint8)
    result = np.clip(reference.astype(int) + rng.integers(-9, 10, reference.shape), 0, 255)
    for name, pixels in (
        ("reference", reference),
        ("result", result.astype(np.uint8)),
        ("source", reference[::2, ::2]),
    ):
        write_image(Image(np.ascontiguousarray(pixels)), tmp_path / f"{name}.png")
    paths = [tmp_path / f"{name}.png" for name in ("source", "result", "reference")]
    figures = measure(*paths, 10**6)

    def luma(pixels: np.ndarray) -> np.ndarray:
        return np.asarray(BT601_STUDIO.luma(pixels / 255.0) * 255.0)[2:-2, 2:-2]

    # scikit-image on the same planes.
    expected = peak_signal_noise_ratio(luma(reference), luma(result).round(), data_range=255)
    assert figures.psnr == pytest.approx(expected, abs=1e-6)
    assert figures.ssim is not None
    assert 0.8 < figures.ssim < 1
    assert figures.before_psnr is not None
    assert figures.before_psnr < figures.psnr
    assert (figures.border, figures.equal, figures.width) == (2, False, 48)


def test_equal_pictures_have_no_psnr(tmp_path: Path) -> None:
    write_image(Image(np.zeros((8, 8, 3), np.uint8)), tmp_path / "a.png")
    figures = measure(*[tmp_path / "a.png"] * 3, 10**6)
    assert (figures.psnr, figures.ssim, figures.equal) == (None, None, True)


def test_equal_pictures_are_wholly_similar(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (40, 40, 3), np.uint8)
    write_image(Image(noise), tmp_path / "a.png")
    figures = measure(*[tmp_path / "a.png"] * 3, 10**6)
    assert (figures.psnr, figures.ssim, figures.equal) == (None, 1.0, True)


@pytest.mark.parametrize(
    ("height", "width", "good"),
    [(16, 16, True), (17, 17, True), (18, 16, False), (8, 16, False), (16, 32, False)],
)
def test_a_reference_of_the_results_size(
    tmp_path: Path, height: int, width: int, good: bool
) -> None:
    for name, shape in (("source", (8, 8)), ("result", (16, 16)), ("reference", (height, width))):
        write_image(Image(np.zeros((*shape, 3), np.uint8)), tmp_path / f"{name}.png")
    paths = [tmp_path / f"{name}.png" for name in ("source", "result", "reference")]
    if good:
        assert measure(*paths, 10**6).width == 16
        return
    with pytest.raises(UsageError, match=f"{width}x{height}, the result 16x16"):
        measure(*paths, 10**6)


def test_when_frames_begin(tmp_path: Path) -> None:
    # B-frames: packets come in another order than they are shown in.
    stamps = [0, 40, 80, 200, 240, 500, 540]
    with av.open(str(tmp_path / "a.mp4"), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"bf": "2"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for stamp in stamps:
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), stamp % 256, np.uint8), "rgb24")
            frame.pts, frame.time_base = stamp, Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    assert frame_times(tmp_path / "a.mp4") == pytest.approx([stamp / 1000 for stamp in stamps])
    (tmp_path / "b.mp4").write_bytes(b"no video")
    with pytest.raises(InputError, match=r"b\.mp4"):
        frame_times(tmp_path / "b.mp4")


@pytest.mark.parametrize("format", ["gif", "webp"])
def test_an_animated_picture_is_shown_as_a_video(
    tmp_path: Path, moving: Callable[[str], Path], format: str
) -> None:
    preview_video(moving(format), tmp_path / "a.mp4")
    assert frame_times(tmp_path / "a.mp4") == pytest.approx([0, 0.1, 0.2, 0.5], abs=1e-4)
    with av.open(str(tmp_path / "a.mp4")) as video:
        first = next(video.decode(video=0)).to_ndarray(format="rgb24")
    right = read_image(moving(format)).frame(0)[..., :3]
    assert abs(first.astype(float).mean() - right.mean()) < 3
