"""JPEG against libjpeg, through Pillow."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Generator, Tensor

from crispen.lab.degradations.jpeg import LUMA_TABLE, Jpeg, quantisation


def libjpeg(levels: NDArray[np.uint8], quality: int, subsampling: int) -> NDArray[np.uint8]:
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(Image.open(file))


def rms(a: NDArray[Any], b: NDArray[Any]) -> float:
    return float(np.sqrt(np.mean((a.astype(float) - b) ** 2)))


@pytest.mark.parametrize("quality", [5, 30, 50, 75, 95])
@pytest.mark.parametrize(("chroma", "subsampling"), [("4:2:0", 2), ("4:4:4", 0)])
def test_color_is_libjpegs(
    run: Any, levels: NDArray[np.uint8], quality: int, chroma: str, subsampling: int
) -> None:
    expected = libjpeg(levels, quality, subsampling)
    ours = run(f"jpeg={quality}:chroma={chroma}") * 255
    assert rms(ours, expected) < 0.8
    # The file itself is much farther from the original.
    assert rms(ours, expected) < 0.4 * rms(expected, levels)


@pytest.mark.parametrize("quality", [10, 60])
def test_grey_is_libjpegs(run: Any, levels: NDArray[np.uint8], photo: Tensor, quality: int) -> None:
    expected = libjpeg(levels[..., 1], quality, 0)
    assert rms(run(f"jpeg={quality}", photo[:, 1:2])[..., 0] * 255, expected) < 0.5


@pytest.mark.parametrize("quality", [1, 25, 49, 50, 90, 100])
def test_tables_are_libjpegs(levels: NDArray[np.uint8], quality: int) -> None:
    file = io.BytesIO()
    Image.fromarray(levels[..., 0]).save(file, "JPEG", quality=quality)
    expected = Image.open(file).quantization[0]
    ours = quantisation(torch.tensor([[float(quality)]]), torch.tensor(LUMA_TABLE).float())
    assert ours.ravel().tolist() == expected


def test_each_picture_has_its_own_quality(photo: Tensor, generator: Generator) -> None:
    batch = photo.expand(8, -1, -1, -1)
    errors = (Jpeg(quality=[5, 95])(batch, generator) - batch).square().mean(dim=(1, 2, 3))
    assert len(errors.unique()) > 5
    assert errors.max() > 4 * errors.min()


def test_a_second_pass_changes_little(run: Any, photo: Tensor) -> None:
    once = run("jpeg=50:chroma=4:4:4", photo[..., :88, :96])
    again = run("jpeg=50:chroma=4:4:4", torch.from_numpy(once).permute(2, 0, 1)[None])
    assert rms(again * 255, once * 255) < 0.3 * rms(
        once * 255, photo[0, :, :88, :96].permute(1, 2, 0).numpy() * 255
    )
