"""Every kind of network that the laboratory makes, as `crispen enhance` runs it.

Networks have random weights; what they answer is compared with ONNX Runtime on the bare graph.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from crispen.engines.onnxruntime import OnnxRuntimeEngine
from crispen.engines.openvino import OpenVinoEngine
from crispen.engines.torch import TorchEngine
from crispen.enhance.enhancer import Enhancer
from crispen.enhance.model import Model
from crispen.enhance.tiling import round_up
from crispen.enhance.window import run_window
from crispen.media.resample import resize
from crispen.models.card import ModelCard

# kind, its arguments, scale, channels
KINDS = {
    "pools": ("autoencoder-denoise", {}, 1, 3),
    "pools to a sixteenth": ("autoencoder-denoise", {"bottleneck": "2x2x8"}, 1, 3),
    "one window": ("autoencoder-dense", {}, 1, 3),
    "one window, luma": ("autoencoder-variational", {}, 1, 1),
    "residual U-Net": ("unet-denoise", {"width": 8}, 1, 3),
    "residual, half size": ("plain", {"width": 8, "depth": 2, "unshuffle": 2}, 1, 3),
    "residual, luma": ("plain", {"width": 8, "depth": 2}, 1, 1),
    "large halo": ("gain", {"width": 8}, 1, 3),
    "transposed": ("deconvolution", {}, 2, 3),
    "enlarges inside": ("srcnn", {}, 3, 3),
    "enlarges inside, luma": ("srcnn", {}, 2, 1),
    "batch norm, PReLU": ("residual", {"width": 8}, 4, 3),
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, ModelCard]]:
    """The model file of a kind, made once."""
    import torch

    from crispen.lab.export import to_onnx
    from crispen.lab.networks import NETWORKS, build_network, parameter_count

    folder = tmp_path_factory.mktemp("kinds")
    tables = {table.model_fields["kind"].default: table for table in NETWORKS}

    @functools.cache
    def make(name: str) -> tuple[Path, ModelCard]:
        kind, arguments, scale, channels = KINDS[name]
        torch.manual_seed(1)
        network = build_network(tables[kind](**arguments), scale=scale, channels=channels)
        merged = network.eval().merged().eval()
        card = ModelCard(
            name=kind,
            task="upscale" if scale > 1 else "denoise",
            scale=scale,
            color="luma" if channels == 1 else "rgb",
            halo=merged.halo,
            base=merged.base,
            multiple=merged.multiple,
            window_px=merged.window_px,
            parameters=parameter_count(merged),
        )
        path = folder / f"{len(list(folder.iterdir()))}.onnx"
        path.write_bytes(to_onnx(merged, card).SerializeToString())
        return path, card

    return make


def picture(height: int, width: int, channels: int, dtype: str = "uint8"):
    rng = np.random.default_rng(height * width)
    coarse = rng.random((height // 5 + 2, width // 5 + 2, channels))
    smooth = resize(coarse, height, width, method="bilinear")
    return np.round(smooth * np.iinfo(dtype).max).astype(dtype)


def exact(path: Path, card: ModelCard):
    """The three engines in fp32; what bf16 costs is bounded in the tests of the engines."""
    yield OpenVinoEngine(path, card, threads=1, precision="fp32")
    yield OnnxRuntimeEngine(path, card, threads=1)
    yield TorchEngine(path, card, threads=1)


def of(engine) -> Model:
    model = Model(Path("none.onnx"), engine.card)
    model._engine = engine
    return model


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
