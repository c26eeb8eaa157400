"""Local means of a result, given back: exactly, also in tiles, and only where they are lost."""

import numpy as np
import pytest

from crispen.engines.openvino import OpenVinoEngine
from crispen.enhance.mean import keep_mean, keep_means, mean_halo
from crispen.enhance.window import halo_of, mean_radius, run_window
from crispen.models.card import Training
from crispen.models.dials import Dials
from crispen.models.store import find

from .test_shipped_means import checkerboard, dither, halftone

RADIUS = 4


def noise(*shape, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, shape, dtype)


def enlarged(pixels, scale=2):
    return pixels.repeat(scale, 0).repeat(scale, 1)


@pytest.fixture(scope="module")
def engine():
    path, card = find("photo-fast-x2")
    with_fp32 = OpenVinoEngine(path, card, threads=1, precision="fp32")
    yield with_fp32
    with_fp32.close()


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_lost_mean_comes_back(scale, channels, dtype):
    peak = int(np.iinfo(dtype).max)
    pixels = np.full((40, 30, channels), peak // 2, dtype)
    darker = enlarged(pixels, scale) - dtype(5 * (peak // 255))
    result = keep_mean(pixels, darker, peak, RADIUS)
    assert (result.shape, result.dtype) == (darker.shape, dtype)
    assert np.abs(result.astype(float) - peak // 2).max() <= peak / 255


def test_one_channel_that_was_clipped_comes_back():
    """What saturated colours lose: too little for the mean over channels to show."""
    pixels = np.empty((40, 30, 3), np.uint8)
    pixels[:] = 120, 100, 6
    clipped = enlarged(pixels)
    clipped[..., 2] += 2
    assert np.array_equal(keep_mean(pixels, clipped.copy(), 255, RADIUS), clipped)
    assert np.array_equal(keep_means(pixels, clipped, 255, RADIUS), enlarged(pixels))


def test_a_part_of_a_larger_result():
    """As windows are that had to be padded."""
    pixels = np.full((40, 30, 3), 120, np.uint8)
    larger = np.full((100, 70, 3), 110, np.uint8)
    result = keep_mean(pixels, larger[:80, :60], 255, RADIUS)
    assert np.abs(result.astype(int) - 120).max() <= 1


@pytest.mark.parametrize("scale", [1, 2, 9, 16])
def test_bright_pictures_at_any_scale(scale):
    bright = np.full((12, 10, 3), 240, np.uint8)
    result = enlarged(bright, scale)
    assert np.array_equal(keep_mean(bright, result.copy(), 255, RADIUS), result)


def test_a_shift_that_nobody_sees_is_left():
    pixels = noise(40, 30, 3)
    result = enlarged(pixels)
    result[::2, ::2] ^= 1  # a quarter of a level at most
    assert np.array_equal(keep_mean(pixels, result.copy(), 255, RADIUS), result)


def test_only_what_is_near_a_lost_mean_changes():
    pixels = np.full((80, 60, 3), 100, np.uint8)
    result = enlarged(pixels)
    result[80:84, 60:64] = 255
    changed = keep_mean(pixels, result.copy(), 255, RADIUS) != result
    rows, columns = np.nonzero(changed.any(2))
    assert changed.any()
    assert rows.min() >= 80 - 2 * mean_halo(RADIUS)
    assert rows.max() < 84 + 2 * mean_halo(RADIUS)
    assert columns.min() >= 60 - 2 * mean_halo(RADIUS)
    assert columns.max() < 64 + 2 * mean_halo(RADIUS)


@pytest.mark.parametrize("pattern", [checkerboard(), dither(), halftone()])
@pytest.mark.parametrize("deep", [False, True])
def test_windows_are_exact(engine, pattern, deep):
    """A window with its halo gives the pixels of the whole picture."""
    pixels = pattern.astype(np.uint16) * 257 if deep else pattern
    whole = run_window(engine, pixels)
    halo = halo_of(engine, 3)
    assert halo == engine.card.halo + mean_halo(RADIUS)
    for start, stop in ((0, 30), (30, 61), (61, 96)):
        first, last = max(0, start - halo), min(96, stop + halo)
        part = run_window(engine, np.ascontiguousarray(pixels[first:last]))
        kept = part[(start - first) * 2 : (stop - first) * 2]
        assert np.array_equal(kept, whole[start * 2 : stop * 2])


@pytest.mark.parametrize("pattern", [checkerboard(), dither(), halftone()])
def test_grey_is_as_in_rgb(engine, pattern):
    grey = run_window(engine, np.ascontiguousarray(pattern[..., :1])).astype(int)
    assert np.abs(grey - run_window(engine, pattern)).max() <= 1


def test_alpha_changes_nothing(engine):
    opaque = np.dstack([dither(), np.full((96, 96), 255, np.uint8)])
    assert np.array_equal(run_window(engine, opaque)[..., :3], run_window(engine, dither()))


def test_for_networks_that_only_enlarge(engine):
    card = engine.card
    assert mean_radius(card, None, 1, False) == RADIUS
    assert mean_radius(card, None, 1, True) == 0  # footroom and headroom: nothing is clipped
    other = card.model_copy(update={"training": Training()})
    assert mean_radius(other, None, 3, False) == 0


@pytest.mark.parametrize("name", ["real-x2", "vivid-x4", "video-x2"])
def test_for_networks_that_were_told_that_there_is_nothing_to_repair(name):
    """Noise that is clipped at black makes a picture brighter than it was, and is to be undone."""
    card = find(name)[1]
    assert mean_radius(card, None, 3, False) == 0
    assert mean_radius(card, Dials(0.0, 0.0, 0.4), 3, False) == RADIUS
    for noise, compression in ((0.4, 0.0), (0.0, 0.4), (None, 0.0), (0.0, None)):
        assert mean_radius(card, Dials(noise, compression, 0.0), 3, False) == 0


def test_for_networks_that_draw_a_sharper_picture_anew():
    """One that adds to its input keeps its means by itself."""
    assert mean_radius(find("autoencoder-sharpen")[1], None, 3, False) > RADIUS
    assert mean_radius(find("sharpen-photo")[1], None, 3, False) == 0
