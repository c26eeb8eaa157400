"""A picture unrolled without loss, and what an animated picture cannot hold."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import PIL.Image
import pytest

from crispen.errors import InputError, UsageError
from crispen.media.formats import PICTURES
from crispen.media.picture.header import MAX_PIXELS
from crispen.media.video.animation import check_animation, is_picture, too_fast, unroll
from crispen.media.video.header import Color

DELAYS_MS = (33, 34, 400)


def webp(path: Path) -> list[np.ndarray]:
    """The frames of an animation that was written there, grey noise without loss."""
    noise = np.random.default_rng(7).integers(0, 256, (3, 15, 21, 3), np.uint8)
    first, *rest = map(PIL.Image.fromarray, noise)
    first.save(path, save_all=True, append_images=rest, duration=list(DELAYS_MS), lossless=True)
    return list(noise)


def test_every_sample_and_time_is_that_of_the_picture(tmp_path: Path) -> None:
    source, clip = tmp_path / "a.webp", tmp_path / "a.mov"
    frames = webp(source)
    source.chmod(0o640)
    asked: list[None] = []
    assert unroll(source, clip, lambda: asked.append(None)) == ()
    assert len(asked) == 3
    assert clip.stat().st_mode & 0o777 == 0o640
    with av.open(str(clip)) as file:
        made = list(file.decode(video=0))
    assert [(f.pts * f.time_base, f.duration) for f in made] == [
        (Fraction(0), 33),
        (Fraction(33, 1000), 34),
        (Fraction(67, 1000), 400),
    ]
    for frame, pixels in zip(made, frames, strict=True):
        np.testing.assert_array_equal(frame.to_ndarray(format="rgb24"), pixels)


def test_a_cut_picture_is_refused(tmp_path: Path) -> None:
    webp(tmp_path / "whole.webp")
    data = (tmp_path / "whole.webp").read_bytes()
    (tmp_path / "a.webp").write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(InputError):
        unroll(tmp_path / "a.webp", tmp_path / "a.mov", lambda: None)


def test_pictures_are_known_by_their_first_bytes(tmp_path: Path) -> None:
    webp(tmp_path / "a.webp")
    (tmp_path / "a.webp").rename(tmp_path / "a.mp4")
    assert is_picture(tmp_path / "a.mp4")
    (tmp_path / "b.gif").write_bytes(b"\x1a\x45\xdf\xa3")
    assert not is_picture(tmp_path / "b.gif")
    assert not is_picture(tmp_path / "none.gif")


def test_limits(tmp_path: Path) -> None:
    gif, sdr = PICTURES["gif"], Color(1, 1, 1, 1)
    check_animation(tmp_path / "a.gif", gif, (1000, 1000), MAX_PIXELS // 1_000_000, sdr)
    with pytest.raises(UsageError, match=r"301 frames of 1000x1000 are too many"):
        check_animation(tmp_path / "a.gif", gif, (1000, 1000), 301, sdr)
    with pytest.raises(UsageError, match=r"HDR, which an animated GIF cannot hold"):
        check_animation(tmp_path / "a.gif", gif, (10, 10), 1, Color(9, 9, 18, 1))
    assert too_fast(Fraction(60000, 1001))
    assert not too_fast(Fraction(50))
    assert not too_fast(None)
