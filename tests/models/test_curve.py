"""What a relighting network is given of a picture, and what becomes of its answer."""

from __future__ import annotations

import numpy as np
import pytest

from crispen.media.color import BT601_STUDIO
from crispen.models.curve import KNOTS, QUANTILES, Curve, Overview, knots, simplest

RNG = np.random.default_rng(0)
IDENTITY = Curve(np.tile(knots(), (3, 1)))


def picture(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Blotches and noise."""
    coarse = RNG.integers(20, 200, (4, 5, channels))
    pixels = coarse.repeat(height // 4 + 1, 0)[:height].repeat(width // 5 + 1, 1)[:, :width]
    return np.clip(pixels + RNG.normal(0, 5, pixels.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (96, 130), (700, 900)])
def test_shapes_and_order(shape: tuple[int, int]) -> None:
    found = Overview.of(picture(*shape), 255)
    assert found.view.shape == (3, 32, 32)
    assert found.statistics.shape == (7, len(QUANTILES))
    assert (np.diff(found.statistics, axis=1) >= 0).all()
    assert found.view.dtype == found.statistics.dtype == np.float32


def test_ends_are_those_of_all_pixels() -> None:
    pixels = picture(900, 1200).clip(10, 240)
    pixels[501, 333] = (3, 5, 4)
    pixels[13, 1111] = (250, 255, 251)
    found = Overview.of(pixels, 255).statistics * 255
    np.testing.assert_allclose(found[:3, 0], (3, 5, 4), atol=1e-4)
    np.testing.assert_allclose(found[:3, -1], (250, 255, 251), atol=1e-4)
    assert found[4, 0] == pytest.approx(3, abs=1e-4)
    assert found[5, -1] == pytest.approx(255, abs=1e-4)


@pytest.mark.parametrize("rows", [1, 7, 64, 1000])
def test_bands_of_any_height_give_the_same(rows: int) -> None:
    pixels = picture(803, 1001)
    whole = Overview.of(pixels, 255)
    bands = (pixels[i : i + rows] for i in range(0, 803, rows))
    parts = Overview.of_bands(bands, 803, 255)
    assert np.array_equal(whole.view, parts.view)
    assert np.array_equal(whole.statistics, parts.statistics)


def test_later_frames_are_not_looked_at() -> None:
    pixels = picture(50, 60)
    alone = Overview.of(pixels, 255)
    both = Overview.of_bands(iter([np.concatenate([pixels, 255 - pixels])]), 50, 255)
    assert np.array_equal(alone.statistics, both.statistics)


def test_what_is_hidden_does_not_count() -> None:
    pixels = picture(120, 160)
    hidden = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    hidden[:, 80:, 3] = 0
    hidden[:, 80:, :3] = 0
    seen = Overview.of(pixels[:, :80], 255)
    found = Overview.of(hidden, 255)
    np.testing.assert_allclose(found.statistics[:, ::5], seen.statistics[:, ::5], atol=0.06)
    assert found.statistics[0, 0] > 0
    nothing = np.zeros((9, 9, 4), np.uint8)
    assert np.isfinite(Overview.of(nothing, 255).statistics).all()


def test_grey_has_no_color_and_depth_does_not_matter() -> None:
    grey = picture(70, 80, 1)
    found = Overview.of(grey, 255)
    assert found.colorfulness == 0
    deep = Overview.of(grey.astype(np.uint16) * 257, 65535)
    np.testing.assert_allclose(found.statistics, deep.statistics, atol=1e-6)


@pytest.mark.parametrize("peak", [255, 1023, 65535])
@pytest.mark.parametrize("studio", [False, True])
def test_identity_leaves_every_level(peak: int, studio: bool) -> None:
    tables = IDENTITY.tables(peak, grey=studio, studio=studio)
    assert tables.shape == (1 if studio else 3, peak + 1)
    assert np.array_equal(tables[0], np.arange(peak + 1))


def test_tables_are_between_the_knots() -> None:
    brighter = Curve(np.tile(knots() ** 0.5, (3, 1)))
    for peak in (255, 65535):
        levels = np.arange(peak + 1) / peak
        table = brighter.tables(peak)[1]
        assert (np.diff(table) >= 0).all()
        # The knots are dense where the curve is steep.
        assert np.abs(table / peak - levels**0.5).max() <= max(0.5 / peak, 2e-3)
        assert table[0] == 0
        assert table[-1] == peak


def test_studio_range_is_kept() -> None:
    darker = Curve(np.tile(knots() ** 2, (3, 1)))
    table = darker.tables(255, grey=True, studio=True)[0]
    assert table[16] == 16
    assert table[235] == 235
    assert table[250] == 250  # whiter than white stays so
    assert table[8] == 8
    middle = 16 + 219 / 2
    assert table[round(middle)] == pytest.approx(16 + 219 / 4, abs=1.5)
    assert BT601_STUDIO.luma_offset == pytest.approx(16 / 255)


def test_knots_go_from_black_to_white() -> None:
    assert len(knots()) == KNOTS
    assert knots()[0] == 0
    assert knots()[-1] == 1


def gently(curve: np.ndarray, amount: float) -> Curve:
    """A curve that is nearly that one, as a network's is."""
    return Curve(np.tile(curve + amount * np.sin(np.pi * knots()), (3, 1)).clip(0, 1))


@pytest.mark.parametrize("amount", [-0.01, 0.0, 0.01])
def test_good_light_is_left_exactly_as_it_is(amount: float) -> None:
    pixels = picture(90, 120)
    pixels[0, 0], pixels[0, 1] = 0, 255
    found = simplest(gently(knots(), amount), Overview.of(pixels, 255))
    assert np.array_equal(found.values, IDENTITY.values)


@pytest.mark.parametrize(
    ("ends", "amount", "tint", "kept"),
    [
        (True, 0.05, 0.0, True),  # tone alone, in a picture from black to white
        (True, 0.09, 0.0, False),
        (False, 0.05, 0.0, False),  # the same where black and white are missing
        (True, 0.0, 0.04, False),  # a cast, which is no matter of tone
    ],
)
def test_small_doubts_leave_a_picture_that_reaches_both_ends(
    ends: bool, amount: float, tint: float, kept: bool
) -> None:
    pixels = (40 + 0.6 * picture(90, 120)).astype(np.uint8)
    if ends:
        pixels[0, 0], pixels[0, 1] = 0, 255
    values = gently(knots(), amount).values + tint * np.array([[1.0], [0.0], [-1.0]])
    found = simplest(Curve(values.clip(0, 1)), Overview.of(pixels, 255))
    assert np.array_equal(found.values, IDENTITY.values) == kept


def test_lost_contrast_comes_back_exactly() -> None:
    pixels = (60 + 0.4 * picture(90, 120)).astype(np.uint8)
    low, high = int(pixels.min()), int(pixels.max())
    meant = ((knots() * 255 - low) / (high - low)).clip(0, 1)
    table = simplest(gently(meant, 0.02), Overview.of(pixels, 255)).tables(255)[0]
    expected = (np.arange(low, high + 1) - low) / (high - low) * 255
    assert np.abs(table[low : high + 1] - expected).max() <= 1


def test_a_short_exposure_is_made_good_in_linear_light() -> None:
    def linear(x: np.ndarray) -> np.ndarray:
        return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)

    pixels = picture(90, 120)
    pixels[:9, :9] = 255
    x = linear(pixels / 255) / 4
    dark = np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)
    dark = np.rint(dark * 255).astype(np.uint8)
    bright = linear(knots()) * 4
    meant = np.where(bright <= 0.0031308, 12.92 * bright, 1.055 * bright ** (1 / 2.4) - 0.055)
    table = simplest(gently(meant.clip(0, 1), -0.02), Overview.of(dark, 255)).tables(255)[0]
    assert np.abs(table[dark[..., 0]] - pixels[..., 0]).mean() < 1


def test_another_correction_stays_what_it_is() -> None:
    own = Curve(np.tile(knots() ** 0.5, (3, 1)))
    pixels = picture(90, 120)
    pixels[0, 0], pixels[0, 1] = 0, 255
    assert simplest(own, Overview.of(pixels, 255)) is own
    flat = Overview.of(np.full((9, 9, 3), 7, np.uint8), 255)
    assert np.array_equal(simplest(IDENTITY, flat).values, IDENTITY.values)
