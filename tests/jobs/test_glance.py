"""A look at a file before it becomes a job."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from crispen.errors import InputError
from crispen.jobs.file_kinds import Bounds
from crispen.jobs.glance import glance

CLIP = Path(__file__).parents[2] / "docs" / "demo" / "clip.mp4"


def test_a_picture_is_measured(picture: Callable[..., Path], bounds: Bounds) -> None:
    found = glance(picture(64, 48), "photo.png", bounds)
    assert (found.kind, found.width, found.height, found.frames) == ("image", 64, 48, 1)
    assert found.content is not None
    assert found.jpeg_step is None


def test_a_dark_picture_says_so(tmp_path: Path, bounds: Bounds) -> None:
    path = tmp_path / "a"
    PIL.Image.fromarray(np.full((40, 40, 3), 12, np.uint8)).save(path, "PNG")
    assert "dark" in glance(path, "a.png", bounds).found


def test_a_video_is_known_by_its_header(bounds: Bounds) -> None:
    found = glance(CLIP, "clip.mp4", bounds)
    assert found.kind == "video"
    assert found.duration_s is not None
    assert found.content is None


def test_the_beginning_of_a_picture_says_what_it_can(tmp_path: Path, bounds: Bounds) -> None:
    target = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    PIL.Image.fromarray(noise).save(target, "JPEG", quality=50)
    path = tmp_path / "part"
    path.write_bytes(target.getvalue()[:5000])
    found = glance(path, "photo.jpg", bounds, part=True)
    assert found.kind == "image"
    path.write_bytes(target.getvalue()[:20])
    assert glance(path, "photo.jpg", bounds, part=True).kind == "image"


@pytest.mark.parametrize("part", [False, True])
def test_a_document_is_refused_by_its_name(tmp_path: Path, bounds: Bounds, part: bool) -> None:
    path = tmp_path / "secret-id"
    path.write_bytes(b"%PDF-1.7 " + bytes(400))
    with pytest.raises(InputError, match=r"letter\.pdf") as caught:
        glance(path, "letter.pdf", bounds, part=part)
    assert "secret-id" not in str(caught.value)
    assert "PDF" in str(caught.value)
