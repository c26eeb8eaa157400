"""A picture's life, and what is told of it; the sensor's noise; codecs that stand in libraries."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Generator, Tensor

from crispen.lab.degradations import CameraNoise, Life, Pipeline, Video, WebP, degrade, kernels
from crispen.lab.degradations.codecs import coded_clip, webp
from crispen.lab.degradations.sensor import mosaicked, sensor_noise, strength
from crispen.models.dials import compression_dial, crf_step, jpeg_step, noise_dial

SURE: dict[str, Any] = {
    "unknown": 0,
    "jitter": 0,
    "clean": 0,
    "sharpen": 0,
    "enlarged": 0,
    "twice": 0,
}
NOTHING = SURE | {"lens": 0, "noise": 0, "compress": 0, "video": 0}


@pytest.fixture
def batch(photo: Tensor) -> Tensor:
    """Eight pictures of 64×64."""
    return torch.cat([photo[..., i : i + 64, 2 * i : 2 * i + 64] for i in range(0, 16, 2)])


def told(life: Life, x: Tensor, seed: int = 0) -> tuple[Tensor, Tensor]:
    return life.apply_with_dials(x, Generator().manual_seed(seed), 2)


def test_a_clean_life_is_matlabs_shrinking(batch: Tensor) -> None:
    y, dials = told(Life(clean=1), batch)
    assert torch.equal(y, degrade(batch, (), Generator(), 2))
    assert not dials[:, ::2].any()


def test_what_is_not_there_is_told_as_nothing(batch: Tensor) -> None:
    _, dials = told(Life(**NOTHING), batch)
    assert not dials[:, 0].any()
    assert not dials[:, 2].any()
    assert dials[:, 1::2].all(), "all dials are known"


@pytest.mark.parametrize("sigma", [3.0, 10.0, 25.0])
def test_noise_is_told(sigma: float) -> None:
    """On middle grey, where nothing else can be seen."""
    x = torch.full((8, 3, 128, 128), 0.5)
    y, dials = told(Life(**(NOTHING | {"noise": 1, "sigma": sigma})), x)
    torch.testing.assert_close(dials[:, 0], torch.full((8,), noise_dial(sigma)))
    measured = (y * 255).std(dim=(1, 2, 3))
    # Rounding to whole levels adds a little.
    torch.testing.assert_close(measured, torch.full((8,), sigma), atol=0.1, rtol=0.1)


@pytest.mark.parametrize("quality", [30, 60, 90])
def test_compression_is_told(batch: Tensor, quality: int) -> None:
    life = Life(**(NOTHING | {"compress": 1, "webp": 0, "quality": quality}))
    _, dials = told(life, batch)
    torch.testing.assert_close(dials[:, 2], torch.full((8,), compression_dial(jpeg_step(quality))))


def test_video_is_told_and_compresses(batch: Tensor) -> None:
    life = Life(**(NOTHING | {"video": 1, "crf": 38, "codec": "h264"}))
    y, dials = told(life, batch)
    torch.testing.assert_close(
        dials[:, 2], torch.full((8,), compression_dial(crf_step("h264", 38)))
    )
    clean, _ = told(Life(**NOTHING), batch)
    assert float((y - clean).abs().mean()) > 4 / 255


def test_a_stronger_blur_is_told_as_one(batch: Tensor) -> None:
    dials = [told(Life(**(NOTHING | {"lens": 1, "blur": s})), batch)[1][:, 4] for s in (0.2, 1.0)]
    assert (dials[1] > dials[0] + 0.1).all()


def test_dials_are_left_out_as_often_as_was_asked(batch: Tensor) -> None:
    _, dials = told(Life(unknown=0.3, clean=0), batch.repeat(40, 1, 1, 1))
    known = dials[:, 1::2]
    assert 0.6 < float(known.mean()) < 0.8
    assert not dials[:, ::2][known == 0].any()


def test_pipelines_hand_dials_on(batch: Tensor) -> None:
    pipeline = Pipeline((Life(),), scale=2, patch=8)
    crops = batch.tile(1, 1, 3, 3)[..., : pipeline.crop, : pipeline.crop]
    pair = pipeline(crops, Generator().manual_seed(0))
    assert pair.dials is not None
    assert pair.dials.shape == (8, 6)
    assert pair.input.shape == (8, 3, 8, 8)


def test_input_and_target_lie_on_each_other(photo: Tensor) -> None:
    """Whatever was done: moved by a pixel, they would differ more."""
    pipeline = Pipeline((Life(noise=0, lens=0),), scale=1, patch=48)
    crop = photo.tile(1, 1, 2, 2)[..., : pipeline.crop, : pipeline.crop].expand(24, -1, -1, -1)
    pair = pipeline(crop, Generator().manual_seed(1))
    here = (pair.input - pair.target).abs().mean(dim=(1, 2, 3))
    for axis in (2, 3):
        moved = (pair.input.roll(1, axis) - pair.target)[..., 2:-2, 2:-2].abs().mean(dim=(1, 2, 3))
        assert (here < moved).float().mean() > 0.95


def test_noise_of_a_sensor_is_as_strong_as_said_at_middle_grey() -> None:
    x = torch.full((4, 3, 200, 200), 0.5)
    one = torch.ones(4, 1, 1, 1)
    noise = sensor_noise(
        x,
        Generator().manual_seed(0),
        photons=0.5 * one,
        mosaic=torch.tensor([0, 1, 0, 1]).bool().reshape(4, 1, 1, 1),
        smooth=torch.tensor([0.0, 0.0, 0.8, 0.8]).reshape(4, 1, 1, 1),
        grey=torch.zeros(4, 1, 1, 1).bool(),
    )
    torch.testing.assert_close(noise.square().mean(dim=(1, 2, 3)), torch.ones(4))
    assert noise.mean().abs() < 0.01
    # Neighbours share what was interpolated or smoothed.
    alike = (noise[..., 1:] * noise[..., :-1]).mean(dim=(1, 2, 3))
    assert alike[0].abs() < 0.02
    assert (alike[1:] > 0.15).all()


def test_shadows_are_noisier_and_photons_make_them_less_so() -> None:
    grey = torch.tensor([0.1, 0.5, 0.9]).reshape(3, 1, 1, 1).expand(3, 3, 1, 1)
    few, many = (strength(grey, torch.full((3, 1, 1, 1), p)).flatten() for p in (0.0, 1.0))
    torch.testing.assert_close(few[1], torch.ones(()))
    assert few[0] > few[1] > few[2]
    assert many[0] < few[0]


def test_a_mosaic_interpolates_what_it_lacks() -> None:
    """A constant stays one: the weights of each site add up."""
    y = mosaicked(torch.ones(1, 3, 8, 8))
    torch.testing.assert_close(y[..., 1:-1, 1:-1], torch.ones(1, 3, 6, 6))


def test_camera_noise_keeps_the_mean(photo: Tensor) -> None:
    noisy = CameraNoise(sigma=8, clip=False)(photo.repeat(8, 1, 1, 1), Generator().manual_seed(0))
    assert (noisy.mean() - photo.mean()).abs() < 0.002


@pytest.mark.parametrize("quality", [20, 80])
def test_webp_is_what_pillow_makes(photo: Tensor, quality: int) -> None:
    """Both call libwebp; an encoder's effort changes a little."""
    made = webp(photo, torch.tensor([[float(quality)]]))[0].permute(1, 2, 0).numpy() * 255
    file = io.BytesIO()
    pixels = (photo[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    Image.fromarray(pixels).save(file, "WEBP", quality=quality, method=2)
    expected = np.asarray(Image.open(file), np.float64)
    assert np.abs(made - expected).mean() < 1.5


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_video_comes_back_as_it_was_but_for_the_codec(photo: Tensor, codec: str) -> None:
    pixels = (photo[0, :, :88, :100].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    clip = np.stack([np.roll(pixels, 3 - i, axis=1) for i in range(4)])
    errors = [
        float(np.abs(coded_clip(clip, codec, crf)[3].astype(float) - clip[3]).mean())
        for crf in (10, 35)
    ]
    assert errors[0] < 3.5 < errors[1]


def test_the_smallest_video(photo: Tensor) -> None:
    for codec in ("h264", "hevc"):
        y = Video(crf=30, codec=codec)(photo[..., :3, :5], Generator().manual_seed(0))
        assert y.shape == (1, 3, 3, 5)


def test_codecs_lose_more_at_lower_quality(photo: Tensor) -> None:
    def error(degradation: WebP | Video) -> float:
        return float((degradation(photo, Generator().manual_seed(0)) - photo).abs().mean())

    assert error(WebP(quality=10)) > error(WebP(quality=90))
    assert error(Video(crf=40, codec="h264")) > error(Video(crf=20, codec="h264"))


def test_kernels_have_the_variance_that_is_told() -> None:
    sigma = torch.tensor([0.8, 1.5]).reshape(2, 1, 1, 1)
    gauss = kernels.elliptic(sigma, sigma, torch.zeros_like(sigma), 10)
    torch.testing.assert_close(kernels.variance(gauss), sigma.flatten() ** 2, atol=0.02, rtol=0.02)
    disc = kernels.disc(torch.full((1, 1, 1, 1), 6.0), 10)
    torch.testing.assert_close(kernels.variance(disc), torch.tensor([9.0]), atol=0.5, rtol=0)
    for kernel in (gauss, disc):
        torch.testing.assert_close(kernel.sum(dim=(1, 2)), torch.ones(len(kernel)))
