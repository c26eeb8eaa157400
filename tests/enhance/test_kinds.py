"""Every kind of network that the laboratory makes, as `crispen enhance` runs it.

Networks have random weights; what they answer is compared with ONNX Runtime on the bare graph.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from crispen.engines.onnxruntime import OnnxRuntimeEngine
from crispen.engines.openvino import OpenVinoEngine
from crispen.engines.torch import TorchEngine
from crispen.enhance.enhancer import Enhancer
from crispen.enhance.tiling import round_up
from crispen.enhance.window import run_window
from crispen.models.card import ModelCard

from .conftest import KINDS, of, picture


def exact(path: Path, card: ModelCard):
    """The three engines in fp32; what bf16 costs is bounded in the tests of the engines."""
    yield OpenVinoEngine(path, card, threads=1, precision="fp32")
    yield OnnxRuntimeEngine(path, card, threads=1)
    yield TorchEngine(path, card, threads=1)


def bare(path: Path, card: ModelCard, pixels):
    """What the graph itself answers to a picture that is continued to sides it takes."""
    height, width, channels = pixels.shape
    below, right = (
        max(round_up(side, card.multiple), card.window_px or 0) - side for side in (height, width)
    )
    peak = np.iinfo(pixels.dtype).max
    x = np.pad(pixels, ((0, below), (0, right), (0, 0)), mode="edge") / peak
    if card.color == "rgb":
        x = np.repeat(x, 3, 2) if channels == 1 else x
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    feed = {"input": x.transpose(2, 0, 1)[None].astype(np.float32)}
    answer = session.run(None, feed)[0][0].transpose(1, 2, 0) * peak
    answer = answer[: height * card.scale, : width * card.scale]
    if channels == answer.shape[2]:
        return answer
    # Of grey, the luma of the channels is clipped, and not the channels: no word on such pixels.
    inside = ((answer > 0) & (answer < peak)).all(2, keepdims=True)
    luma = answer @ np.array([[0.299], [0.587], [0.114]])
    return np.where(inside, luma, np.nan)


@pytest.mark.parametrize("name", KINDS)
def test_engines_answer_what_the_graph_does(name, exported):
    path, card = exported(name)
    sides = (32, 32) if card.window_px else (37, 21)
    for channels in (1, 3) if card.color == "rgb" else (1,):
        pixels = picture(*sides, channels)
        expected = bare(path, card, pixels)
        for engine in exact(path, card):
            # The graph sees the levels as they are: luma networks take them for studio range.
            answer = run_window(engine, pixels, studio=card.color == "luma").astype(float)
            assert np.nanmax(np.abs(answer - expected)) <= 0.51, engine.name
        assert np.isfinite(expected).mean() > 0.02


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_engines_agree_on_every_kind_of_picture(name, channels, exported):
    path, card = exported(name)
    pixels = picture(33, 45, channels, "uint16")
    answers = [Enhancer([of(e)]).enhance(pixels).pixels.astype(int) for e in exact(path, card)]
    for answer in answers[1:]:
        assert np.abs(answer - answers[0]).max() <= 16  # of 65535
    if card.scale == 1 and channels == 4:
        np.testing.assert_array_equal(answers[0][..., 3], pixels[..., 3])


@pytest.mark.parametrize("name", [name for name in KINDS if "one window" not in name])
@pytest.mark.parametrize("extra", [0, 5])
def test_tiles_are_exact_at_odd_sizes(name, extra, exported):
    path, card = exported(name)
    assert card.halo is not None
    least = 2 * round_up(max(card.halo, 2), card.multiple) + card.multiple
    tile = least + extra
    model = of(OpenVinoEngine(path, card, threads=1, precision="fp32"))
    pixels = picture(tile + 13, 2 * tile - 3, 3)
    whole = Enhancer([model]).enhance(pixels).pixels
    tiled = Enhancer([model], tile_px=tile).enhance(pixels).pixels
    assert np.abs(whole.astype(int) - tiled).max() <= 1
    assert (whole != tiled).mean() < 1e-3


def test_a_denoiser_then_an_upscaler_in_bands(exported):
    path, card = exported("residual U-Net")
    clean = of(OpenVinoEngine(path, card, threads=1, precision="fp32"))
    path, card = exported("enlarges inside, luma")
    large = of(OpenVinoEngine(path, card, threads=1, precision="fp32"))
    pixels = picture(150, 131, 3)
    expected = large(clean(pixels)).pixels.astype(int)
    both = Enhancer([clean, large], tile_px=61).enhance(pixels).pixels
    assert both.shape == (300, 262, 3)
    assert np.abs(both - expected).max() <= 2
    assert (both != expected).mean() < 1e-3
