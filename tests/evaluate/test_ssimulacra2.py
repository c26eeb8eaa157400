"""SSIMULACRA 2 through its package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from crispen.evaluate.ssimulacra2 import ssimulacra2


def test_it_scores_the_result_against_the_reference(shared_data: Path, tmp_path: Path) -> None:
    """What the package's own command calls gives this, reference first."""
    from ssimulacra2 import compute_ssimulacra2_with_alpha

    with Image.open(shared_data / "valid/Set5/HR/img_003.png") as file:
        picture = file.convert("RGB")
    blurred = picture.filter(ImageFilter.GaussianBlur(2))
    picture.save(tmp_path / "reference.png")
    blurred.save(tmp_path / "result.png")
    # From open files, since it leaves those that it opens to the garbage collector.
    with (tmp_path / "reference.png").open("rb") as a, (tmp_path / "result.png").open("rb") as b:
        expected = compute_ssimulacra2_with_alpha(a, b)
    score = ssimulacra2(np.asarray(blurred), np.asarray(picture))
    assert score == pytest.approx(expected, abs=1e-6)
    # The other way round it is another figure.
    assert score != pytest.approx(ssimulacra2(np.asarray(picture), np.asarray(blurred)), abs=0.5)
    assert score < 30


def test_equal_pictures_have_100_and_tiny_ones_nothing() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (24, 30, 3), np.uint8)
    assert ssimulacra2(picture, picture) == pytest.approx(100)
    assert ssimulacra2(picture[:7], picture[:7]) is None
