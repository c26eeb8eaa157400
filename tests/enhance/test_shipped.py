"""What ships, run for real: tiles are exact, nothing moves, hidden colour stays hidden."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crispen.enhance.enhancer import Enhancer
from crispen.enhance.model import load
from crispen.enhance.target import Target
from crispen.enhance.window import halo_of
from crispen.evaluate.metrics import luma255, psnr, round8
from crispen.media.image import read_image
from crispen.media.resample import downscale, resize
from crispen.models.store import find, shipped_names

# The classics carry the picture through their layers, and what mends is meant to change it.
UPSCALERS = [n for n in shipped_names() if (c := find(n)[1]).base == "bicubic" and c.scale > 1]

model = functools.cache(functools.partial(load, threads=1))


@functools.cache
def scene():
    """Edges, texture and flat parts, without a file."""
    y, x = np.mgrid[0:160, 0:160]
    waves = 90 * np.sin(x * y / 900)[..., None] * [1, 0.6, -0.4] + 110
    waves[30:70, 40:90] = (240, 30, 20)
    noise = np.random.default_rng(0).normal(0, 3, (160, 160, 3))
    return np.clip(waves + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", shipped_names())
@given(
    height=st.integers(1, 150),
    width=st.integers(1, 150),
    tile=st.integers(1, 60),
    channels=st.sampled_from([1, 3]),
)
@settings(max_examples=4, deadline=None, derandomize=True)
def test_tiled_equals_whole(name, height, width, tile, channels):
    chosen = model(name)
    assert chosen.card.halo is not None
    picture = scene()[:height, :width, :channels]
    whole = chosen(picture).pixels
    tiled = chosen(picture, tile_px=2 * halo_of(chosen.engine, channels) + 20 + tile).pixels
    # Floats are added in another order; a grey level may round the other way.
    assert np.abs(whole.astype(int) - tiled).max() <= 1
    assert (whole != tiled).mean() < 0.01


# Pixels of the result, as measured; it learned from some pictures shrunk by picking pixels.
KNOWN_SHIFT = {"real-x4": 0.19, "vivid-x4": 0.39}


@pytest.mark.parametrize("name", UPSCALERS)
def test_nothing_moves_and_colours_stay(name):
    chosen = model(name)
    picture = scene()
    result = chosen(picture).pixels.astype(float)
    size = 160 * chosen.card.scale
    bicubic = resize(picture, size, size).astype(float)
    assert np.abs((result - bicubic).mean(axis=(0, 1))).max() < 1.0
    # The shift that would explain most of the difference, by least squares on the gradient.
    luma, base = result.mean(2), bicubic.mean(2)
    slopes = np.stack([part.ravel() for part in np.gradient(base)], 1)
    shift, *_ = np.linalg.lstsq(slopes, (base - luma).ravel(), rcond=None)
    assert np.abs(shift).max() < KNOWN_SHIFT.get(name, 0.15)


def test_hidden_colour_never_bleeds(shared_data):
    path = shared_data / "odd/valid/rgba_colour_under_zero_alpha.png"
    picture = read_image(path)
    hidden = picture.pixels[..., 3] == 0
    assert hidden.any()
    clean = picture.pixels.copy()
    clean[hidden, :3] = 128
    enhancer = Enhancer(["photo-fast"], threads=1)
    for target in (Target(scale=2), Target(scale=1.4), Target(scale=0.6)):
        a = enhancer.enhance(picture, target).pixels
        b = enhancer.enhance(clean, target).pixels
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("name", shipped_names())
def test_grey_equals_grey_rgb(name, dtype):
    unit = np.iinfo(dtype).max // 255
    grey = scene()[:64, :72, :1].astype(dtype) * dtype(unit)
    chosen = model(name)
    as_grey = chosen(grey).pixels.astype(int)
    as_rgb = chosen(np.repeat(grey, 3, 2)).pixels.astype(int)
    assert as_grey.shape[2] == 1
    assert np.ptp(as_rgb, axis=2).max() == 0
    assert np.abs(as_grey - as_rgb).max() <= unit


def test_a_grey_picture_is_as_sharp_as_the_same_in_colour(shared_data):
    """Measured before grey had a range: 37.30 dB as grey, 41.73 dB as R'G'B'."""
    hr = read_image(shared_data / "valid/Set5/HR/img_002.png").as_rgb8()
    grey = np.rint(hr @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    chosen = model("photo-fast-x2")
    small = downscale(grey, 2)[..., None]
    scores = [
        psnr(round8(luma255(chosen(x).pixels)), luma255(grey), border=2)
        for x in (small, np.repeat(small, 3, axis=2))
    ]
    assert scores[0] == pytest.approx(scores[1], abs=0.01)
    assert scores[0] > 41.5
