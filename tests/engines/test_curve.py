"""The engine of networks that answer with tone curves, with the shipped one and a hand-made one."""

from __future__ import annotations

import numpy as np
import pytest

from crispen.engines.base import Engine
from crispen.engines.curve import CurveEngine
from crispen.engines.opening import open_engine
from crispen.errors import ModelError
from crispen.models.card import ModelCard
from crispen.models.curve import Curve, Overview, knots
from crispen.models.store import find


@pytest.fixture(scope="module")
def engine() -> CurveEngine:
    path, card = find("relight")
    opened = open_engine(path, card)
    assert isinstance(opened, CurveEngine)
    assert isinstance(opened, Engine)
    return opened


def dark(height: int = 60, width: int = 90, channels: int = 3) -> np.ndarray:
    rng = np.random.default_rng(3)
    smooth = np.linspace(0, 60, width)[None, :, None] + np.linspace(0, 20, height)[:, None, None]
    return (smooth + rng.normal(0, 3, (height, width, channels))).clip(0, 90).astype(np.uint8)


def test_the_same_level_becomes_the_same_everywhere(engine: CurveEngine) -> None:
    """So there can be no stains, halos or seams."""
    pixels = dark()
    answer = engine.run(pixels)
    assert answer.mean() > 1.5 * pixels.mean()
    for channel in range(3):
        before, after = pixels[..., channel].ravel(), answer[..., channel].ravel()
        order = np.argsort(before, kind="stable")
        assert (np.diff(after[order].astype(int)) >= 0).all()
        for level in np.unique(before):
            assert len(np.unique(after[before == level])) == 1


def test_a_window_is_mended_as_its_picture(engine: CurveEngine) -> None:
    pixels = dark()
    shown = engine.showing(Overview.of(pixels, 255))
    assert np.array_equal(shown.run(pixels[10:30, 40:]), engine.run(pixels)[10:30, 40:])
    assert engine.curve is None


def test_neutral_stays_neutral(engine: CurveEngine) -> None:
    grey = dark(channels=1)
    in_color = engine.run(np.repeat(grey, 3, axis=2)).astype(int)
    assert np.ptp(in_color, axis=2).max() == 0
    assert np.abs(engine.run(grey).astype(int) - in_color[..., :1]).max() <= 1


def test_white_stays_white(engine: CurveEngine) -> None:
    for pixels in (dark(), 255 - dark(), np.full((40, 40, 3), 255, np.uint8)):
        pixels[:5, :5] = 255
        assert engine.run(pixels)[:5, :5].min() == 255


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (35, 2)])
def test_any_size_and_depth(engine: CurveEngine, dtype: type, size: tuple[int, int]) -> None:
    pixels = dark(*size).astype(dtype) * dtype(1 if dtype is np.uint8 else 257)
    answer = engine.run(pixels)
    assert answer.shape == pixels.shape
    assert answer.dtype == dtype


def test_ten_bits_in_studio_range(engine: CurveEngine) -> None:
    eight = dark(channels=1) // 2 + 16
    shown = engine.showing(None)
    shown.curve = Curve(np.tile(knots() ** 0.5, (3, 1)))
    answer = shown.run(eight.astype(np.uint16) * 4, peak=1023, studio=True)
    expected = shown.run(eight, studio=True)
    assert np.abs(answer / 4 - expected).max() <= 1


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x3a\x05abc"])
def test_a_broken_file_is_refused(tmp_path, content: bytes) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="fetch or export it again"):
        CurveEngine(path, ModelCard(name="broken", task="relight", curve=True))
