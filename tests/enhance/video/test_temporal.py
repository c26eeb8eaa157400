"""Noise that differs from frame to frame goes; what moves, and where a scene is cut, stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from skimage import data

from crispen.enhance.modelfile import ModelFiles
from crispen.enhance.plan import plan
from crispen.enhance.request import Request
from crispen.enhance.source import Source
from crispen.enhance.video.damage import damage_in_clip
from crispen.enhance.video.making import decide, make_video
from crispen.enhance.video.temporal import REACH, noise_between, temporally_denoised
from crispen.media.video.container import Damage, read_frames
from crispen.media.video.pixel_formats import plane
from crispen.models.athand import AtHand
from crispen.models.dials import Dials, noise_dial, noise_of

HEIGHT, WIDTH = 96, 128


def photo(step: int = 0) -> np.ndarray:
    grey = data.camera()
    return grey[100 + step : 100 + step + HEIGHT, 150 + 2 * step : 150 + 2 * step + WIDTH]


def frames_of(
    planes: list[np.ndarray], name: str = "yuv420p", peak: int = 255
) -> Iterator[av.VideoFrame]:
    for number, luma in enumerate(planes):
        frame = av.VideoFrame(WIDTH, HEIGHT, name)
        dtype = np.dtype(np.uint8 if peak == 255 else np.uint16)
        for index in range(len(frame.planes)):
            part = plane(frame, index, dtype)
            scaled = np.rint(luma * (peak / 255)).clip(0, peak)
            down, across = (-(-a // b) for a, b in zip(luma.shape, part.shape, strict=True))
            part[:] = scaled[::down, ::across]
        frame.pts = number
        yield frame


def lumas(frames: Iterator[av.VideoFrame], peak: int = 255) -> list[np.ndarray]:
    dtype = np.dtype(np.uint8 if peak == 255 else np.uint16)
    return [plane(f, 0, dtype).astype(float) * (255 / peak) for f in frames]


def noisy(sigma: float, count: int = 9, moving: bool = False, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    steps = (2 * i if moving else 0 for i in range(count))
    return [np.rint(photo(s) + rng.normal(0, sigma, (HEIGHT, WIDTH))).clip(0, 255) for s in steps]


def flicker(planes: list[np.ndarray]) -> float:
    return float(np.abs(np.diff(np.stack(planes), axis=0)).mean())


@pytest.mark.parametrize(
    ("name", "peak"), [("yuv420p", 255), ("yuv444p", 255), ("gray", 255), ("yuv422p10le", 1023)]
)
def test_noise_on_what_stands_still_goes(name: str, peak: int) -> None:
    given = noisy(5)
    made = lumas(temporally_denoised(frames_of(given, name, peak), 5.0), peak)
    assert len(made) == len(given)
    assert flicker(made) < 0.4 * flicker(given)
    for before, after in zip(given, made, strict=True):
        assert np.std(after - photo()) < 0.65 * np.std(before - photo())


def test_chroma_too() -> None:
    given = list(frames_of(noisy(5)))
    before = [plane(f, 1, np.dtype(np.uint8)).astype(float).copy() for f in given]
    after = [
        plane(f, 1, np.dtype(np.uint8)).astype(float) for f in temporally_denoised(iter(given), 5.0)
    ]
    assert flicker(after) < 0.4 * flicker(before)


def test_what_moves_stays() -> None:
    given = noisy(0, moving=True)
    made = lumas(temporally_denoised(frames_of(given), 2.0))
    assert max(np.abs(a - b).mean() for a, b in zip(given, made, strict=True)) < 0.3


def test_across_a_cut_nothing_is_mixed() -> None:
    bright, dark = noisy(3, 4), [255 - x for x in noisy(3, 4, seed=1)]
    whole = lumas(temporally_denoised(frames_of(bright + dark), 3.0))
    parts = [
        *lumas(temporally_denoised(frames_of(bright), 3.0)),
        *lumas(temporally_denoised(frames_of(dark), 3.0)),
    ]
    assert all(np.array_equal(a, b) for a, b in zip(whole, parts, strict=True))


def test_a_frame_depends_on_its_neighbours_alone() -> None:
    given = noisy(4, 12)
    whole = lumas(temporally_denoised(frames_of(given), 4.0))
    later = lumas(temporally_denoised(frames_of(given[3:]), 4.0))
    assert all(np.array_equal(a, b) for a, b in zip(whole[3 + REACH :], later[REACH:], strict=True))


def test_order_and_times_stay() -> None:
    made = list(temporally_denoised(frames_of(noisy(4)), 4.0))
    assert [f.pts for f in made] == list(range(9))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_frames(count: int) -> None:
    assert len(list(temporally_denoised(frames_of(noisy(4, count)), 4.0))) == count


def test_without_noise_nothing_changes() -> None:
    given = noisy(4)
    made = lumas(temporally_denoised(frames_of(given), 0.0))
    assert all(np.array_equal(a, b) for a, b in zip(given, made, strict=True))


def test_other_formats_and_sizes_pass() -> None:
    rgb = [av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24") for _ in range(3)]
    small = [av.VideoFrame(64, 64, "yuv420p") for _ in range(2)]
    mixed = [*rgb, *frames_of(noisy(4, 3)), *small]
    assert list(temporally_denoised(iter(mixed), 4.0)) == mixed


@pytest.mark.parametrize("sigma", [2.0, 4.0, 8.0])
@pytest.mark.parametrize("moving", [False, True])
def test_noise_is_measured(sigma: float, moving: bool) -> None:
    assert noise_between(noisy(sigma, 3, moving)) == pytest.approx(sigma, rel=0.35)


@pytest.mark.parametrize("moving", [False, True])
def test_texture_and_motion_are_not_noise(moving: bool) -> None:
    assert noise_between(noisy(0, 3, moving)) < 1.0


def filmed(path: Path, sigma: float) -> Path:
    """A noisy photograph that stands still."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "16"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for frame in frames_of(noisy(sigma, 24)):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_a_noisy_clip_is_steadied(tmp_path: Path) -> None:
    source = filmed(tmp_path / "a.mp4", 8)
    found = damage_in_clip(source)
    assert 2 < noise_of(found.noise or 0) < 9
    target = tmp_path / "b.mkv"
    report = make_video(source, target, Request(scale=2, codec="ffv1"), AtHand())
    assert report.frames == 24
    assert any("five frames are averaged" in note for note in report.notes)
    large = lumas(read_frames(target, Damage()))
    before = lumas(read_frames(source, Damage()))
    assert flicker(large) < 0.6 * flicker(before)
    with ModelFiles(AtHand()) as files:
        decision = decide(source, tmp_path / "c.mkv", Request(scale=2), AtHand())
        job = decision.work(files, 1).job(2.0)
        assert job["steady"] == decision.plan.steady > 0


def test_an_rgb_clip_says_nothing_of_it(tmp_path: Path) -> None:
    source = tmp_path / "a.mkv"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "bgr0"
        for frame in frames_of(noisy(8, 12)):
            container.mux(stream.encode(frame.reformat(format="bgr0")))
        container.mux(stream.encode(None))
    assert damage_in_clip(source).noise is None
    report = make_video(source, tmp_path / "b.mkv", Request(scale=2), AtHand())
    assert not any("averaged" in note for note in report.notes)


def test_where_segments_are_cut_does_not_matter(tmp_path: Path) -> None:
    source = filmed(tmp_path / "a.mp4", 8)
    made = []
    for number, segment_s in enumerate((0.2, 10.0)):
        target = tmp_path / f"{number}.mkv"
        request = Request(scale=2, codec="ffv1")
        make_video(source, target, request, AtHand(), segment_s=segment_s)
        made.append(lumas(read_frames(target, Damage())))
    assert all(np.array_equal(a, b) for a, b in zip(*made, strict=True))


def test_a_part_is_as_in_the_whole(tmp_path: Path) -> None:
    source = filmed(tmp_path / "a.mp4", 8)
    whole = tmp_path / "whole.mkv"
    make_video(source, whole, Request(scale=2, codec="ffv1"), AtHand())
    part = tmp_path / "part.mkv"
    make_video(source, part, Request(scale=2, codec="ffv1", start="0.4", duration="0.2"), AtHand())
    expected = lumas(read_frames(whole, Damage()))[10:15]
    found = lumas(read_frames(part, Damage()))
    assert all(np.array_equal(a, b) for a, b in zip(expected, found, strict=True))


def test_a_clean_clip_is_not(tmp_path: Path) -> None:
    assert damage_in_clip(filmed(tmp_path / "a.mp4", 0)).noise == 0


@pytest.mark.parametrize(
    ("request_", "steady"),
    [
        (Request(), True),
        (Request(scale=4), True),
        (Request(tasks=("denoise",)), True),
        (Request(tasks=("upscale",)), False),
        (Request(realtime=True), False),
        (Request(models=("photo-x2",)), False),
    ],
)
def test_when(request_: Request, steady: bool) -> None:
    damage = Dials(noise_dial(4.0), 0.1, 0.0)
    clip = Source(kind="video", format="mp4", width=320, height=240, frames=12, damage=damage)
    planned = plan(request_, clip, AtHand())
    assert planned.steady == (pytest.approx(4.0, abs=0.1) if steady else 0)
    if request_ == Request():  # lightly compressed, and noisy
        assert planned.models == ("video-x2",)
        assert planned.dials == Dials(None, 0.8 * 0.1, 0.0).rounded()
