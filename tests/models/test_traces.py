"""Tone edits that are found in histograms, and pictures in which none may be found."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from crispen.engines.curve import CurveEngine
from crispen.engines.opening import open_engine
from crispen.lab.data.drawn import page
from crispen.lab.degradations.picture import degrade_image
from crispen.lab.degradations.spec import parse_degradation
from crispen.media.image import Image, is_image_name, read_image
from crispen.models.curve import Overview
from crispen.models.store import find
from crispen.models.traces import Edit, find_edit

Bytes = np.ndarray
# The reference for the curves is crispen.lab.degradations, which computes them in PyTorch.
EDITS = {
    "gamma=0.4": ("gamma", (0.4,) * 3),
    "gamma=1.6": ("gamma", (1.6,) * 3),
    "gamma=2.5": ("gamma", (2.5,) * 3),
    "exposure=-2": ("exposure", (-2.0,) * 3),
    "exposure=-1": ("exposure", (-1.0,) * 3),
    "exposure=2": ("exposure", (2.0,) * 3),
    "color-cast=1:tint=0": ("cast", (0.5, 0.0, -0.5)),
    "color-cast=0:tint=0.4": ("cast", (0.0, 0.2, 0.0)),
}


def photo(side: int = 320, seed: int = 0) -> Bytes:
    """Noise of several sizes, which has smooth histograms, as photos have."""
    rng = np.random.default_rng(seed)
    total = np.zeros((side, side, 3))
    for cells, weight in ((4, 60.0), (16, 30.0), (64, 15.0)):
        coarse = rng.normal(0, weight, (cells, cells, 3)).astype(np.float32)
        for channel in range(3):
            plane = PIL.Image.fromarray(coarse[..., channel])
            total[..., channel] += np.asarray(
                plane.resize((side, side), PIL.Image.Resampling.BICUBIC)
            )
    return np.rint(total + rng.normal(115, 6, total.shape)).clip(0, 255).astype(np.uint8)


def edited(pixels: Bytes, text: str) -> Bytes:
    return degrade_image(Image(pixels), [parse_degradation(text)]).as_rgb8()


def jpeg(pixels: Bytes, quality: int) -> Bytes:
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(PIL.Image.open(file).convert("RGB"))


def in_picture(pixels: Bytes) -> Edit | None:
    histograms = Overview.of(pixels, 255).histograms
    assert histograms is not None
    return find_edit(histograms)


@pytest.fixture(scope="module")
def engine() -> CurveEngine:
    opened = open_engine(*find("relight"))
    assert isinstance(opened, CurveEngine)
    return opened


@pytest.mark.parametrize("text", EDITS)
def test_the_edit_is_found_and_undone(engine: CurveEngine, text: str) -> None:
    pixels = photo()
    after = edited(pixels, text)
    found = in_picture(after)
    kind, amounts = EDITS[text]
    assert found is not None
    assert found.kind == kind
    np.testing.assert_allclose(found.amounts, amounts, atol=0.005)
    # Each level comes back as the middle of those that became it, by an independent count.
    answer = engine.run(after)
    for channel in range(3):
        for level in np.unique(after[..., channel])[1:-1]:
            here = after[..., channel] == level
            source = pixels[..., channel][here].astype(int)
            middle = (source.min() + source.max()) / 2
            # In the tails of the histogram not every source level has a pixel.
            rare = 1 + np.ptp(source) / 2 if here.sum() < 50 else 1
            assert abs(int(answer[..., channel][here][0]) - middle) <= rare


def test_clipped_highlights_stay_white(engine: CurveEngine) -> None:
    pixels = photo()
    after = edited(pixels, "exposure=1")
    assert (after == 255).mean() > 0.05
    found = in_picture(after)
    assert found is not None
    assert found.kind == "exposure"
    assert (engine.run(after)[after == 255] == 255).all()


NARROWED = [(0, 200, "darken=0.5"), (20, 240, ""), (16, 235, ""), (60, 213, "")]


@pytest.mark.parametrize(("low", "high", "text"), NARROWED)
def test_a_loss_of_contrast_is_found_and_undone(
    engine: CurveEngine, low: int, high: int, text: str
) -> None:
    pixels = photo()
    assert (pixels.min(), pixels.max()) == (0, 255)
    after = np.rint(low + pixels * ((high - low) / 255)).astype(np.uint8)
    share = (high - low) / 255
    if text:  # half of all levels, which rounding to even makes uneven
        after, share = edited(pixels, text), 0.5
    found = in_picture(after)
    assert found is not None
    assert found.kind == "contrast"
    np.testing.assert_allclose(found.amounts, (share,) * 3, atol=0.004)
    wrong = np.abs(engine.run(after).astype(int) - pixels)
    assert wrong.mean() < 0.3 / share
    assert wrong.max() < 2 / share
    assert in_picture(jpeg(after, 90)) is None


def test_a_short_exposure_is_no_loss_of_contrast() -> None:
    """It narrows the levels as well, except near black in a straight line."""
    for stops in (-4, -3, -2, -1):
        found = in_picture(edited(photo(), f"exposure={stops}"))
        assert found is None or found.kind == "exposure"


def test_what_did_not_span_all_levels_keeps_its_contrast(engine: CurveEngine) -> None:
    """A stretch would make it more than it was; the slope that is found is that of the edit."""
    pixels = np.minimum(photo(), 225)
    after = np.rint(30 + pixels * 0.7).astype(np.uint8)
    assert np.abs(engine.run(after).astype(int) - pixels).max() <= 2


def test_one_channel_for_grey(engine: CurveEngine) -> None:
    grey = photo()[..., :1]
    after = edited(np.repeat(grey, 3, axis=2), "gamma=1.6")[..., :1]
    found = in_picture(after)
    assert found is not None
    assert found.kind == "gamma"
    assert np.abs(engine.run(after).astype(int) - grey).mean() < 0.3
    # Hidden pixels do not count.
    hidden = np.concatenate([after, np.full_like(after, 255)], axis=2)
    hidden = np.concatenate([hidden, np.zeros_like(hidden)])
    hidden[len(after) :, :, 0] = np.random.default_rng(3).integers(0, 256, after.shape[:2])
    again = in_picture(hidden)
    assert again is not None
    assert again.amounts == found.amounts


@pytest.mark.parametrize("text", EDITS)
def test_jpeg_and_noise_erase_it(text: str) -> None:
    after = edited(photo(), text)
    noise = np.random.default_rng(1).normal(0, 1, after.shape)
    assert in_picture(np.rint(after + noise).clip(0, 255).astype(np.uint8)) is None
    for quality in (95, 90, 75):
        assert in_picture(jpeg(after, quality)) is None


def unedited() -> dict[str, Bytes]:
    pixels = photo(seed=5)
    image = PIL.Image.fromarray(pixels)
    rng = np.random.default_rng(2)
    ramp = np.linspace(0, 255, 700)
    values = pixels.astype(float)
    cases = {
        "as it is": pixels,
        "jpeg": jpeg(pixels, 90),
        "1 bit": np.asarray(image.convert("1").convert("RGB")),
        "grey": np.repeat(np.asarray(image.convert("L"))[..., None], 3, axis=2),
        "enlarged": np.asarray(image.resize((700, 500), PIL.Image.Resampling.BICUBIC)),
        "shrunk": np.asarray(image.resize((150, 130), PIL.Image.Resampling.LANCZOS)),
        "nearest": pixels.repeat(2, 0).repeat(2, 1),
        "ycbcr": np.asarray(image.convert("YCbCr").convert("RGB")),
        "ramp": np.tile(np.rint(ramp)[None, :, None], (200, 1, 3)).astype(np.uint8),
        "curved ramp": np.tile((ramp[None, :, None] / 255) ** 2 * 255, (200, 1, 3)).astype(
            np.uint8
        ),
        "black": np.zeros((300, 300, 3), np.uint8),
        "white": np.full((300, 300, 3), 255, np.uint8),
        "one pixel": np.zeros((1, 1, 3), np.uint8),
        "tiny": pixels[:16, :16],
        "uniform": rng.integers(0, 256, (300, 300, 3)).astype(np.uint8),
    }
    for colors in (4, 16, 64, 256):
        cases[f"{colors} colours"] = np.asarray(image.quantize(colors).convert("RGB"))
    for bits in (2, 3, 4, 5, 6, 7):
        fewer = pixels >> (8 - bits)
        cases[f"{bits} bits"] = fewer << (8 - bits)
        cases[f"{bits} bits to white"] = np.rint(fewer * (255 / (2**bits - 1))).astype(np.uint8)
    for low, high in ((0, 200), (20, 240), (10, 255), (16, 235)):
        wider = ((values - low) * 255 / (high - low)).clip(0, 255)
        cases[f"stretched from {low} to {high}"] = np.rint(wider).astype(np.uint8)
    for seed in range(6):
        cases[f"page {seed}"] = page(np.random.default_rng(seed), 260)
    return cases


UNEDITED = unedited()


@pytest.mark.parametrize("name", UNEDITED)
def test_nothing_is_found_where_there_is_nothing(name: str) -> None:
    assert in_picture(UNEDITED[name]) is None


@pytest.mark.parametrize(
    ("folder", "most"), [("valid/Set5", 99), ("valid/Set14", 99), ("catsdogs", 40)]
)
def test_no_false_alarm_in_real_pictures(shared_data: Path, folder: str, most: int) -> None:
    files = sorted(f for f in (shared_data / folder).rglob("*") if is_image_name(f))
    files = files[:: -(-len(files) // most)]
    assert files
    assert [f.name for f in files if in_picture(read_image(f).as_rgb8())] == []


def test_answer_without_traces_is_the_networks(engine: CurveEngine) -> None:
    after = jpeg(edited(photo(), "gamma=1.6"), 95)
    stored, converted = (engine.look(Overview.of(after, 255, stored=s)) for s in (True, False))
    assert np.array_equal(stored.values, converted.values)
    assert stored.bytes is None


def test_sixteen_bits_are_left_to_the_network() -> None:
    assert Overview.of(photo().astype(np.uint16) * 257, 65535).histograms is None
    assert Overview.of(photo(), 255, stored=False).histograms is None
