"""What a plan knows of a file."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from crispen.enhance.source import Source, jpeg_step, video_source
from crispen.media.video.container import probe
from crispen.models.dials import Dials

CLIP = Path(__file__).parents[2] / "docs" / "demo" / "clip.mp4"


def jpeg(quality: int) -> bytes:
    target = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    PIL.Image.fromarray(pixels).save(target, "JPEG", quality=quality)
    return target.getvalue()


@pytest.mark.parametrize(("quality", "step"), [(50, 100), (75, 50), (25, 200)])
def test_the_step_of_a_jpeg_is_libjpegs_scale_of_its_tables(
    quality: int, step: int, tmp_path: Path
) -> None:
    """Pillow writes with libjpeg, whose jpeg_quality_scaling() gives these per cents."""
    assert jpeg_step(jpeg(quality)) == pytest.approx(step, rel=0.03)
    (tmp_path / "a").write_bytes(jpeg(quality))
    assert jpeg_step(tmp_path / "a") == jpeg_step(jpeg(quality))


def test_other_sources_have_no_step() -> None:
    assert jpeg_step(b"GIF89a") is None
    assert jpeg_step(io.BytesIO(jpeg(50))) is None  # a stream can be read only once
    assert jpeg_step(np.zeros((4, 4, 3), np.uint8)) is None


def test_a_video_is_described_as_it_is_shown() -> None:
    header = probe(CLIP)
    source = video_source(header, "mp4")
    assert (source.kind, source.format, source.frames) == ("video", "mp4", header.frames)
    sides = (header.width, header.height)
    assert (source.width, source.height) == (sides[::-1] if header.turned else sides)


def test_what_the_tables_say_counts_as_compression() -> None:
    plain = Source(kind="image", format="jpeg", width=8, height=8)
    coded = plain.model_copy(update={"jpeg_step": 200.0})
    assert plain.seen == Dials()
    assert (coded.seen.compression or 0) > (plain.seen.compression or 0)
