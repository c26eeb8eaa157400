"""Where a clip shows most: clips whose busy part is known."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from crispen.errors import InputError
from crispen.evaluate.scenes import telling_scenes
from crispen.media.video.box import Box
from crispen.media.video.container import probe
from crispen.media.video.span import Span


def clip(path: Path, busy: tuple[int, int], seconds: int = 8, keys: int = 25) -> Path:
    """Even grey, but for some seconds of a moving pattern in the left half."""
    generator = np.random.default_rng(1)
    pattern = generator.integers(30, 220, (64, 400, 1), dtype=np.uint8).repeat(3, axis=2)
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=25, options={"g": str(keys), "crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for number in range(seconds * 25):
            pixels = np.full((64, 96, 3), 120, np.uint8)
            if busy[0] <= number / 25 < busy[1]:
                pixels[:, :48] = pattern[:, 2 * (number % 100) :][:, :48]
            out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        out.mux(stream.encode())
    return path


@pytest.mark.parametrize("keys", [25, 1000])
def test_the_busy_part_is_found_also_far_from_a_key_frame(tmp_path: Path, keys: int) -> None:
    path = clip(tmp_path / "a.mp4", (3, 4), seconds=6, keys=keys)
    header = probe(path)
    found = telling_scenes(path, header, 3)
    assert 3 <= found[0].time < 4
    assert found == telling_scenes(path, header, 3)
    assert [s.score for s in found] == sorted((s.score for s in found), reverse=True)
    times = sorted(s.time for s in found)
    assert len(times) == 3
    assert all(b - a >= Fraction(6, 8) for a, b in pairwise(times))


def test_only_the_part_and_the_rectangle_count(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", (1, 2))
    header = probe(path)
    (later,) = telling_scenes(path, header, 1, span=Span(Fraction(4), Fraction(6)))
    assert 4 <= later.time < 6
    whole = telling_scenes(path, header, 1)
    right = telling_scenes(path, header, 1, box=Box(40, 64, 52, 0))
    assert 1 <= whole[0].time < 2
    assert right[0].score < whole[0].score


def test_a_clip_of_one_frame_has_one_scene(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        out.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        out.mux(stream.encode())
    assert [s.time for s in telling_scenes(path, probe(path), 3)] == [0]


def test_nothing_to_read_is_one_line(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", (0, 1), seconds=1)
    header = probe(path)
    with pytest.raises(InputError, match="no frame of it can be read"):
        telling_scenes(path, header, 1, span=Span(Fraction(90), Fraction(91)))
