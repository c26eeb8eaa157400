"""Tone curves over the time of a clip."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

import crispen
from crispen.enhance.video.light import Light, light_in_clip
from crispen.errors import InputError
from crispen.models.curve import KNOTS, Curve, Overview, knots


def clip(path: Path, levels: list[float], *, noise: float = 4.0) -> Path:
    """One frame for each mean level: a gradient with fresh noise."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(0.2, 1.8, 96)[None, :, None] * np.linspace(0.6, 1.4, 64)[:, None, None]
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=10, options={"crf": "5", "g": "5"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for level in levels:
            pixels = level * ramp + rng.normal(0, noise, (64, 96, 3))
            frame = av.VideoFrame.from_ndarray(pixels.clip(0, 255).astype(np.uint8), "rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def means(path: Path) -> np.ndarray:
    with av.open(str(path)) as file:
        return np.array([f.to_ndarray(format="gray").mean() for f in file.decode(video=0)])


def doubled(overview: Overview) -> Curve:
    """A curve that depends on the picture: darker ones become brighter."""
    return Curve(np.tile(knots() ** (0.3 + float(overview.statistics[3].mean())), (3, 1)))


def test_between_two_places_curves_are_mixed() -> None:
    light = Light(np.array([1.0, 3.0]), np.stack([np.zeros((3, KNOTS)), np.ones((3, KNOTS))]))
    for time, value in ((0.0, 0.0), (1.0, 0.0), (1.5, 0.25), (2.5, 0.75), (3.0, 1.0), (9.0, 1.0)):
        assert light.at(time).values == pytest.approx(value)


def test_flicker_is_not_followed(tmp_path: Path) -> None:
    levels = [60 + 6 * (i // 5 % 2) for i in range(60)]
    light = light_in_clip(clip(tmp_path / "a.mp4", levels), doubled)
    assert len(light.times) > 5
    assert np.ptp(light.values[:, 0, KNOTS // 2]) < 0.02


def test_a_cut_is_not_smoothed_over(tmp_path: Path) -> None:
    light = light_in_clip(clip(tmp_path / "a.mp4", [30.0] * 30 + [150.0] * 30), doubled)
    middle = light.values[:, 0, KNOTS // 2]
    assert np.ptp(middle[light.times < 2.9]) < 0.01
    assert np.ptp(middle[light.times >= 3.0]) < 0.01
    assert middle[0] - middle[-1] > 0.05


def test_what_is_no_clip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no clip")
    with pytest.raises(InputError):
        light_in_clip(tmp_path / "a.mp4", doubled)


def test_a_dark_clip_is_brightened_without_flicker(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", [25.0] * 40)
    result = tmp_path / "b.mp4"
    crispen.enhance_video(source, result, tasks=["relight"], crf=5)
    before, after = means(source), means(result)
    assert len(after) == 40
    assert after.mean() > 1.5 * before.mean()
    # One curve for all: what is left of flicker is what the noise of the source makes.
    assert after.std() <= before.std() * after.mean() / before.mean() + 0.3
