"""Film grain: measured where it is known, and put back the same wherever a run is cut."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from crispen.enhance.api import enhance_video
from crispen.enhance.video.grain import Grain, removed
from crispen.media.video.pixel_formats import Planar

from .clips import MODEL

FORM = Planar("420", 8)


def noise(shape: tuple[int, int], blur: float, seed: int) -> NDArray[Any]:
    """Of standard deviation 1."""
    white = np.random.default_rng(seed).standard_normal(shape)
    soft = gaussian_filter(white, blur, mode="wrap") if blur else white
    return soft / soft.std()


def frames_of(blur: float, form: Planar = FORM, luma: float = 1.0) -> list[Any]:
    """A staircase of brightness, with grain of 2 to 8 levels in luma and 3 in Cb, and without."""
    unit = 1 << form.bits - 8
    pairs = []
    for seed in range(4):
        steps = np.repeat(np.arange(8) * 25 + 30, 64)[None].repeat(256, 0).astype(float)
        chroma = np.full((128, 256), 128.0)
        after = [steps, chroma, chroma]
        sigma = luma * (2 + steps / 40)
        before = [
            steps + sigma * noise(steps.shape, blur, seed),
            chroma + 3 * noise(chroma.shape, blur, seed + 50),
            chroma,
        ]
        pairs.append(
            tuple([np.rint(p * unit).astype(form.dtype) for p in one] for one in (before, after))
        )
    return pairs


def correlation(levels: NDArray[Any], lag: int) -> float:
    """Of neighbours `lag` columns apart."""
    return float(np.corrcoef(levels[:, lag:].ravel(), levels[:, :-lag].ravel())[0, 1])


@pytest.mark.parametrize("form", [FORM, Planar("420", 10)])
@pytest.mark.parametrize("blur", [0.0, 0.7, 1.2])
def test_strength_by_brightness_and_coarseness_are_measured(blur: float, form: Planar) -> None:
    luma, blue, red = removed(frames_of(blur, form), form, 32, full=False)
    assert luma is not None
    assert blue is not None
    assert red is None
    levels = np.linspace(0, 255, len(luma.strength))
    known = (levels > 40) & (levels < 200)
    # A square's mean is taken off, which costs coarse grain a little of its strength.
    assert np.abs(luma.strength / (2 + levels / 40) - 1)[known].max() < 0.15
    assert np.abs(blue.strength / 3 - 1)[known].max() < 0.15
    expected = noise((512, 512), blur, 99)
    for lag in (1, 2, 3):
        assert abs(correlation(luma.tile, lag) - correlation(expected, lag)) < 0.06
    assert abs(float(luma.tile.std()) - 1) < 1e-3
    # It has no seams.
    seam = np.concatenate([luma.tile[:, -1:], luma.tile[:, :1]], axis=1)
    assert abs(correlation(seam, 1) - correlation(expected, 1)) < 0.1


def flat(level: int, chroma: int = 128) -> list[Any]:
    shapes = ((256, 512), (128, 256), (128, 256))
    return [np.full(s, v, np.uint8) for s, v in zip(shapes, (level, chroma, chroma), strict=True)]


@pytest.fixture(scope="module")
def grain() -> Grain:
    return Grain(removed(frames_of(0.7), FORM, 32, full=False), FORM, full=False)


def test_a_frames_grain_follows_from_its_time(grain: Grain) -> None:
    made = []
    for stamp in (7, 7, 8, -3):
        levels = flat(120)
        grain.add(levels, 1.0, stamp)
        made.append([part.astype(float) for part in levels])
    assert all(np.array_equal(a, b) for a, b in zip(made[0], made[1], strict=True))
    for other in made[2:]:
        assert abs(np.corrcoef(made[0][0].ravel(), other[0].ravel())[0, 1]) < 0.05
    assert abs(made[0][0].std() - 5) < 0.6
    assert abs(made[0][0].mean() - 120) < 0.3
    assert abs(made[0][1].std() - 3) < 0.5
    assert (made[0][2] == 128).all()


@pytest.mark.parametrize(
    ("level", "spread"), [(40, 3.0), (120, 5.0), (200, 7.0), (16, 0), (235, 0)]
)
def test_grain_is_as_strong_as_the_brightness_says(grain: Grain, level: int, spread: float) -> None:
    levels = flat(level)
    grain.add(levels, 1.0, 1)
    assert abs(levels[0].std() - spread) <= 0.15 * spread
    half = flat(level)
    grain.add(half, 0.5, 1)
    assert abs(half[0].std() - spread / 2) <= 0.15 * spread


def test_texture_is_not_taken_for_grain() -> None:
    """What a network loses of a busy half does not count; the flat half has grain of 3."""
    before, after = flat(100), flat(100)
    texture = np.random.default_rng(1).integers(0, 120, (256, 256))
    before[0][:, :256] = texture + 60
    after[0][:, :256] = gaussian_filter(texture.astype(float), 0.8) + 60
    before[0][:, 256:] = np.rint(100 + 3 * noise((256, 256), 0, 5))
    (luma, *_) = removed([(before, after)], FORM, 32, full=False)
    assert luma is not None
    assert luma.strength.max() < 3.4


def clip(path: Path, count: int = 10) -> Path:
    """A still ramp under new grain in every frame."""
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 192, 128, "yuv420p"
        ramp = np.linspace(70, 170, 192)[None].repeat(128, 0)
        for number in range(count):
            frame = av.VideoFrame(192, 128, "yuv420p")
            luma = ramp + 8 * noise((128, 192), 0, number)
            for part, levels in zip(frame.planes, (luma, 128, 128), strict=True):
                rows = np.frombuffer(part, np.uint8).reshape(part.height, -1)  # type: ignore[call-overload]
                rows[:, : part.width] = np.rint(levels)
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def shown(path: Path) -> list[NDArray[Any]]:
    """Luma of all frames."""
    with av.open(str(path)) as file:
        return [f.to_ndarray(format="yuv420p")[: f.height] for f in file.decode(video=0)]


def roughness(frames: list[NDArray[Any]]) -> float:
    """Standard deviation of what neighbours in time do not share, as noise of one frame."""
    pairs = pairwise(frames)
    return float(np.mean([np.std(a.astype(float) - b) for a, b in pairs])) / 2**0.5


def test_denoised_clips_get_their_grain_back(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mkv")
    options: dict[str, Any] = {"tasks": "denoise", "codec": "ffv1"}
    results = {}
    for amount in (None, 0, 0.5, 1):
        target = tmp_path / f"b{amount}.mkv"
        enhance_video(source, target, grain=amount, **options)
        results[amount] = shown(target)
    assert all(np.array_equal(a, b) for a, b in zip(results[None], results[0], strict=True))
    clean, half, whole, before = (
        roughness(f) for f in (results[0], results[0.5], results[1], shown(source))
    )
    assert clean < 0.4 * before
    assert clean < half < whole
    assert abs(whole / before - 1) < 0.15
    # Segments and parts have the same grain.
    enhance_video(source, tmp_path / "c.mkv", grain=1, segment_s=0.1, **options)
    assert all(
        np.array_equal(a, b) for a, b in zip(results[1], shown(tmp_path / "c.mkv"), strict=True)
    )
    enhance_video(source, tmp_path / "d.mkv", grain=1, start="0.2", **options)
    part = shown(tmp_path / "d.mkv")
    assert len(part) == 5
    assert all(np.array_equal(a, b) for a, b in zip(results[1][5:], part, strict=True))


def test_nothing_is_put_back_where_nothing_was_removed(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for number in range(3):
            pixels = np.full((64, 64, 3), 90 + number, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        out.mux(stream.encode())
    report = enhance_video(path, tmp_path / "b.mkv", 2, model=MODEL, codec="ffv1", grain=1)
    assert "no grain was removed from it, so none is put back" in report.notes
    enhance_video(path, tmp_path / "c.mkv", 2, model=MODEL, codec="ffv1")
    same = zip(shown(tmp_path / "b.mkv"), shown(tmp_path / "c.mkv"), strict=True)
    assert all(np.array_equal(a, b) for a, b in same)
