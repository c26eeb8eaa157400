"""Frames of two clips in step, measured as FFmpeg and scikit-image measure them."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from skimage.metrics import structural_similarity

from crispen.errors import UsageError
from crispen.evaluate.clips import (
    Clip,
    FrameScore,
    Scorer,
    check_pair,
    frame_log,
    in_step,
    mean_psnr,
    mean_ssim,
)

needs_ffmpeg = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="FFmpeg's command line makes the clips"
)


def ffmpeg(*arguments: object) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-y", "-v", "error", *map(str, arguments)], check=True)


def scored(before: Path, after: Path) -> list[FrameScore]:
    pair = Clip.of(before), Clip.of(after)
    check_pair(*pair)
    scorer = Scorer(*pair)
    return [scorer.score(n, *frames) for n, frames in enumerate(in_step(*pair))]


@needs_ffmpeg
@pytest.mark.parametrize("form", ["yuv420p", "yuv420p10le"])
def test_psnr_is_that_of_ffmpegs_filter_and_ssim_that_of_scikit_image(
    tmp_path: Path, form: str
) -> None:
    true, coded, stats = (tmp_path / name for name in ("a.mkv", "b.mkv", "stats"))
    picture = ("-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=0.4", "-pix_fmt", form)
    ffmpeg(*picture, "-c:v", "ffv1", true)
    ffmpeg("-i", true, "-c:v", "libx264", "-crf", 34, coded)
    ffmpeg("-i", coded, "-i", true, "-lavfi", f"psnr=stats_file={stats}", "-f", "null", "-")
    scores = scored(coded, true)
    right = [float(v) for v in re.findall(r"psnr_y:(\S+)", stats.read_text())]
    assert len(right) == 10
    assert [s.psnr for s in scores] == pytest.approx(right, abs=0.01)
    planes = []
    for path in (coded, true):
        with av.open(str(path)) as file:
            planes.append([f.to_ndarray()[:64] for f in file.decode(video=0)])
    peak = 255.0 if form == "yuv420p" else 1023.0
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    for score, one, other in zip(scores, *planes, strict=True):
        _, all_of_it = structural_similarity(
            one / peak, other / peak, data_range=1.0, full=True, **options
        )
        assert score.ssim == pytest.approx(all_of_it[5:-5, 5:-5].mean(), abs=1e-6)


@needs_ffmpeg
def test_frames_are_those_that_are_shown_at_the_same_time(tmp_path: Path) -> None:
    """Of a clip at 25 frames a second and the same one at 50, as FFmpeg repeats its frames."""
    slow, fast = tmp_path / "a.mp4", tmp_path / "b.mkv"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=0.4", "-c:v", "libx264", "-qp", 0, slow)
    ffmpeg("-i", slow, "-vf", "fps=50", "-c:v", "ffv1", fast)
    scores = scored(slow, fast)
    assert len(scores) == 20
    assert all(math.isinf(s.psnr) and s.ssim == 1.0 for s in scores)
    assert [s.time_s for s in scores] == pytest.approx([n / 50 for n in range(20)], abs=6e-4)
    assert (mean_psnr(scores), mean_ssim(scores)) == (math.inf, 1.0)


@needs_ffmpeg
def test_levels_of_both_ranges_mean_the_same(tmp_path: Path) -> None:
    narrow, full = tmp_path / "a.mkv", tmp_path / "b.mkv"
    source = ("-f", "lavfi", "-i", "gradients=s=64x48:r=5:d=0.4:seed=1")
    chain = "scale=out_range=tv,format=yuv420p"
    ffmpeg(*source, "-vf", chain, "-color_range", "tv", "-c:v", "ffv1", narrow)
    chain = "scale=in_range=tv:out_range=pc,format=yuv420p"
    ffmpeg("-i", narrow, "-vf", chain, "-color_range", "pc", "-c:v", "ffv1", full)
    assert Clip.of(full).header.color.range == 2
    assert min(s.psnr for s in scored(narrow, full)) > 48  # a level by rounding


def test_clips_of_other_shapes_are_refused() -> None:
    from crispen.media.video.header import Color, VideoHeader
    from crispen.media.video.pixel_formats import Planar, SourceFormat

    def clip(width: int, height: int, rotation: int = 0) -> Clip:
        form = SourceFormat("yuv420p", Planar("420", 8), rgb=False, alpha=False)
        about = ("h264", "mov", 0, form, Color(), None, Fraction(1, 25), 0, 1)
        return Clip(Path("a.mp4"), VideoHeader(width, height, *about, rotation=rotation))

    check_pair(clip(960, 540), clip(1920, 1080))
    check_pair(clip(33, 17), clip(66, 34))
    for wrong, said in (
        (clip(1920, 1080), "the small clip first"),
        (clip(640, 480), "differ in shape"),
        (clip(960, 540, 90), "rotated differently"),
    ):
        with pytest.raises(UsageError, match=said):
            check_pair(
                wrong,
                clip(
                    960 if said.startswith("the") else 1920, 540 if said.startswith("the") else 1080
                ),
            )


def test_the_log_has_a_row_for_each_frame() -> None:
    scores = [FrameScore(0, 0.0, 30.12345, 0.95), FrameScore(1, 0.04, math.inf, None)]
    assert frame_log(scores).splitlines() == [
        "frame,time_s,psnr_db,ssim",
        "0,0.000000,30.1234,0.950000",
        "1,0.040000,inf,",
    ]
    assert mean_psnr(scores) == pytest.approx(30.12345)
    assert mean_ssim(scores) == pytest.approx(0.95)
    assert np.isinf(mean_psnr(scores[1:]))
