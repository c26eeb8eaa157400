"""A model as enhancing runs it: any size, and any strength."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from crispen.engines.openvino import OpenVinoEngine
from crispen.enhance.enhancer import Enhancer
from crispen.enhance.model import Model
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


def of(engine) -> Model:
    model = Model(Path("none.onnx"), engine.card)
    model._engine = engine
    return model


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("sides", [(1, 1), (1, 400), (400, 1), (2, 31)])
def test_small_and_thin(name, sides, exported):
    path, card = exported(name)
    model = of(OpenVinoEngine(path, card, threads=1))
    result = Enhancer([model]).enhance(picture(*sides, 3)).pixels
    assert result.shape == (sides[0] * card.scale, sides[1] * card.scale, 3)


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 4])
def test_strength_is_the_way_from_the_input_to_the_answer(strength, dtype, channels, exported):
    path, card = exported("pools")
    model = of(OpenVinoEngine(path, card, threads=1))
    pixels = picture(20, 22, channels, dtype)
    full = model(pixels).pixels.astype(float)
    part = model(pixels, strength=strength).pixels
    assert part.dtype == pixels.dtype
    expected = pixels + strength * (full - pixels)
    assert np.abs(part - expected).max() <= 0.51
    if strength == 0.0:
        np.testing.assert_array_equal(part, pixels)
