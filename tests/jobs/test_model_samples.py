"""Sample pictures of models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from crispen.jobs.model_samples import PICTURE, degraded, make_sample
from crispen.media.image import read_image
from crispen.models.store import find


def test_a_sample_of_a_model(tmp_path: Path) -> None:
    path, card = find("espcn-x2")
    make_sample(path, card, tmp_path / "before.png", tmp_path / "after.png")
    before, after = (read_image(tmp_path / f"{n}.png").as_rgb8() for n in ("before", "after"))
    whole = read_image(PICTURE).as_rgb8()
    assert before.shape == after.shape == whole.shape
    errors = [float(np.mean((x.astype(float) - whole) ** 2)) for x in (before, after)]
    assert errors[1] < errors[0]


@pytest.mark.parametrize("task", ["denoise", "sharpen", "relight", "restore"])
def test_samples_are_bad_the_same_way_each_time(task: str) -> None:
    whole = read_image(PICTURE).as_rgb8()
    first, second = degraded(whole, task, 1), degraded(whole, task, 1)
    assert np.array_equal(first, second)
    assert first.shape == whole.shape
    assert np.mean((first.astype(float) - whole) ** 2) > 20
