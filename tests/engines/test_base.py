"""What every engine does in the same way, with small hand-made networks."""

from __future__ import annotations

import numpy as np
import pytest

from crispen.engines.base import color_near
from crispen.engines.onnxruntime import OnnxRuntimeEngine
from crispen.engines.openvino import OpenVinoEngine
from crispen.engines.torch import TorchEngine
from crispen.errors import ModelError, UsageError
from crispen.models.card import ModelCard
from crispen.models.store import find

from .conftest import ENGINES, grown, smooth


def test_ten_bit_video_plane_has_its_own_peak():
    path, card = find("espcn-x2")
    eight = smooth(20, 24, 1, "uint8")
    ten = np.rint(eight / 255 * 1023).astype(np.uint16)
    engine = OpenVinoEngine(path, card, threads=1)
    for studio in (False, True):
        answer = engine.run(ten, peak=1023, studio=studio)
        assert answer.max() <= 1023
        expected = engine.run(eight, studio=studio)
        assert np.abs(answer / 1023 - expected / 255).max() < 1.5 / 255


@pytest.mark.parametrize("kind", [OpenVinoEngine, OnnxRuntimeEngine, TorchEngine])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("name", ["photo-fast-x2", "denoise-photo", "srcnn-x3"])
def test_grey_equals_grey_rgb(name, dtype, kind):
    path, card = find(name)
    side = 48 // card.multiple * card.multiple
    grey = smooth(side, side, 1, dtype, seed=4)
    grey[8:20, 10:30] = np.iinfo(dtype).max  # a hard edge, where low precision errs most
    engine = kind(path, card)
    answer = engine.run(grey).astype(int)
    in_color = engine.run(np.repeat(grey, 3, axis=2)).astype(int)
    assert np.ptp(in_color, axis=2).max() == 0
    assert np.abs(answer - in_color).max() <= (1 if dtype == "uint8" else 257)


def test_a_luma_network_leaves_color_differences_bicubic():
    path, card = find("photo-x2")
    x = smooth(24, 24, 3, "uint8") // 2 + 64  # far from the ends, so that nothing is clipped
    answer = OpenVinoEngine(path, card, threads=1).run(x).astype(float)
    bicubic = grown(x.astype(float), 2)
    for pair in ((0, 1), (1, 2)):
        difference = np.subtract(*(answer[..., c] for c in pair))
        expected = np.subtract(*(bicubic[..., c] for c in pair))
        assert np.abs(difference - expected).max() <= 1.01


def test_strided_and_read_only_pixels_are_taken():
    path, card = find("espcn-x2")
    engine = OpenVinoEngine(path, card, threads=1)
    x = smooth(20, 24, 3, "uint8")
    part = x[2:14:2, ::-1]
    part.flags.writeable = False
    assert np.array_equal(engine.run(part), engine.run(part.copy()))


@pytest.mark.parametrize("halo", [0, 3, 8, 30, None])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 40), (30, 25)])
def test_the_colour_near_a_pixel(height, width, halo):
    x = np.random.default_rng(0).integers(0, 65535, (height, width, 3), np.uint16)
    r = 8 if halo is None else min(halo, 8)
    spread = np.ptp(x, axis=2)
    near = color_near(x, ModelCard(name="any", color="rgb", halo=halo))
    for i in range(height):
        for j in range(width):
            around = spread[max(0, i - r) : i + r + 1, max(0, j - r) : j + r + 1]
            assert near[i, j] == around.max()


@pytest.mark.parametrize("kind", ENGINES)
@pytest.mark.parametrize("content", [b"", b"not a model", b"\x3a\x05abc"])
def test_broken_files_are_told_in_one_line(kind, content, tmp_path):
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken") as caught:
        kind(path, ModelCard(name="broken"), threads=1).run(np.zeros((4, 4, 1), np.uint8))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ENGINES)
@pytest.mark.parametrize("wrong", [{"base": "bicubic"}, {"scale": 3}, {"color": "luma"}])
def test_a_card_that_lies_is_told(kind, wrong, swap):
    path, card = swap
    with pytest.raises(ModelError, match=r"swap"):
        kind(path, card.model_copy(update=wrong), threads=1).run(np.zeros((6, 6, 3), np.uint8))


def test_only_windows_are_taken():
    path, card = find("photo-fast-x2")
    engine = OpenVinoEngine(path, card, threads=1)
    for bad in (
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 1), np.uint8),
        np.zeros((4, 4, 1), np.float32),
    ):
        with pytest.raises(UsageError, match="an engine takes"):
            engine.run(bad)
    with pytest.raises(UsageError, match="peak"):
        engine.run(np.zeros((4, 4, 1), np.uint8), peak=1023)
