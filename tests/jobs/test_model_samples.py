"""Sample pictures: as large as a card shows them, bad in the way that the model is for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from crispen.jobs.model_samples import PICTURE, degraded, make_sample
from crispen.media.image import read_image
from crispen.models.card import ModelCard, read_card
from crispen.models.guide import example_of
from crispen.models.store import SHIPPED


@pytest.mark.parametrize(
    ("name", "size"),
    [("photo-fast-x3", (768, 510)), ("real-x2", (768, 512)), ("denoise-impulse", (512, 341))],
)
def test_a_sample(tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    path = SHIPPED / f"{name}.onnx"
    before, after = tmp_path / "before.webp", tmp_path / "after.webp"
    make_sample(path, read_card(path), before, after)
    pictures = [read_image(file) for file in (before, after)]
    assert [(one.width, one.height) for one in pictures] == [size, size]
    first, second = (one.as_rgb8().astype(int) for one in pictures)
    assert np.abs(first - second).mean() > 0.5
    assert after.stat().st_size < 200_000


def test_specks_are_for_the_model_against_them() -> None:
    assert example_of(ModelCard(name="denoise-impulse", task="denoise")) == "specks"
    assert example_of(ModelCard(name="denoise-photo", task="denoise")) == "noise"
    pixels = read_image(PICTURE).as_rgb8()
    bad = degraded(pixels, "specks")
    lost = (bad != pixels).any(axis=-1)
    assert 0.15 < lost.mean() < 0.2
    assert set(np.unique(bad[lost])) == {0, 255}
