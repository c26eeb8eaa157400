"""Networks of one window, slid over the picture."""

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


def test_one_window_slides_over_the_picture_and_its_answers_are_blended(exported):
    path, card = exported("one window")
    engine = OpenVinoEngine(path, card, threads=1)
    pixels = picture(48, 32, 3)
    result = Enhancer([of(engine)]).enhance(pixels).pixels.astype(float)
    # Rows 0-15 lie in the first window alone, rows 32-47 in the second.
    first, second = engine.run(pixels[:32]), engine.run(pixels[16:])
    np.testing.assert_array_equal(result[:16], first[:16])
    np.testing.assert_array_equal(result[32:], second[16:])
    low, high = np.minimum(first[16:], second[:16]), np.maximum(first[16:], second[:16])
    assert ((low <= result[16:32]) & (result[16:32] <= high)).all()


def test_a_stride_averages_windows_as_the_classic_autoencoder_does(exported):
    path, card = exported("residual, half size")
    classic = card.model_copy(update={"window_px": 20, "stride_px": 5, "halo": None})
    engine = OpenVinoEngine(path, classic, threads=1)
    pixels = picture(20, 40, 3)
    result = Enhancer([of(engine)]).enhance(pixels).pixels
    sums, counts = np.zeros((20, 40, 3)), np.zeros((1, 40, 1))
    for left in range(0, 21, 5):
        sums[:, left : left + 20] += engine.run(np.ascontiguousarray(pixels[:, left : left + 20]))
        counts[:, left : left + 20] += 1
    np.testing.assert_array_equal(result, np.floor(sums / counts + 0.5))
