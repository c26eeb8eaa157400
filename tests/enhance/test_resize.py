import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PilImage

from crispen.enhance.resize import Resizer
from crispen.media.resample import resize


def run(picture, width, height, band=7):
    resizer = Resizer(picture.shape[1], picture.shape[0], width, height, picture.shape[2])
    bands = iter([picture[i : i + band] for i in range(0, len(picture), band)])
    return np.concatenate(list(resizer.frame(bands)))


@given(
    size=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    wanted=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    channels=st.sampled_from([1, 3]),
    band=st.integers(1, 40),
)
@settings(max_examples=80, deadline=None, derandomize=True)
def test_equals_the_matlab_resize_in_double_precision(size, wanted, channels, band):
    picture = np.random.default_rng(1).integers(0, 256, (*size, channels), np.uint8)
    got = run(picture, wanted[1], wanted[0], band).astype(int)
    # resize() is held against the literature's LR files in its own tests.
    assert np.abs(got - resize(picture, *wanted)).max() <= 1


def test_sixteen_bit():
    picture = np.random.default_rng(1).integers(0, 65536, (50, 60, 3), np.uint16)
    got = run(picture, 43, 31)
    assert got.dtype == np.uint16
    assert np.abs(got.astype(int) - resize(picture, 31, 43)).max() <= 1


def test_smooth_pictures_look_as_pillow_makes_them():
    y, x = np.mgrid[0:120, 0:160]
    picture = np.stack([x, y, (x + y) / 2], -1).astype(np.uint8)
    theirs = PilImage.fromarray(picture).resize((70, 50), PilImage.Resampling.BICUBIC)
    assert np.abs(run(picture, 70, 50).astype(int) - np.asarray(theirs)).max() <= 2


@pytest.mark.parametrize("value", [0, 1, 128, 255])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_even_pictures_stay_even(value, channels):
    picture = np.full((37, 53, channels), value, np.uint8)
    if channels == 4:
        picture[..., 3] = 255
    assert (run(picture, 29, 31)[..., 0] == value).all()


def test_hidden_colour_never_shows():
    picture = np.zeros((40, 40, 4), np.uint8)
    picture[:, :, :3] = (255, 0, 255)
    picture[10:30, 10:30] = (20, 120, 20, 255)
    out = run(picture, 27, 27)
    visible = out[..., 3] > 0
    assert visible.any()
    assert np.abs(out[visible][:, :3].astype(int) - (20, 120, 20)).max() <= 1


def test_a_large_reduction_of_a_wide_picture():
    picture = np.random.default_rng(2).integers(0, 256, (300, 5000, 3), np.uint8)
    got = run(picture, 500, 30, band=64)
    assert np.abs(got.astype(int) - resize(picture, 30, 500)).max() <= 1


@pytest.mark.parametrize("wanted", [(277, 2771), (277, 3000), (300, 2771), (420, 4100)])
def test_many_bands_of_a_wide_picture(wanted):
    picture = np.random.default_rng(3).integers(0, 256, (300, 3000, 3), np.uint8)
    got = run(picture, wanted[1], wanted[0], band=50)
    assert np.abs(got.astype(int) - resize(picture, *wanted)).max() <= 1
