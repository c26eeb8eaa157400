"""Dials: their scales, and how they are written into a model file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from crispen.engines.opening import open_engine
from crispen.errors import ModelError
from crispen.lab.export import to_onnx
from crispen.lab.networks.plain import Plain
from crispen.models.card import ModelCard
from crispen.models.dials import (
    INITIALIZER,
    Dials,
    blur_dial,
    compression_dial,
    crf_step,
    jpeg_step,
    noise_dial,
    noise_of,
    quality_of,
    set_dials,
    webp_step,
)
from crispen.models.store import find

TOLD = Dials(noise=0.4, compression=None, blur=1.0)


@pytest.fixture(scope="module")
def network() -> Plain:
    torch.manual_seed(3)
    network = Plain(2, 3, width=8, depth=2, dials=True)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    return network.merged().eval()


@pytest.fixture(scope="module")
def card(network: Plain) -> ModelCard:
    return ModelCard(
        name="told",
        scale=2,
        color="rgb",
        task="restore",
        halo=network.halo,
        base="bicubic",
        dials=True,
    )


@pytest.fixture(scope="module")
def content(network: Plain, card: ModelCard) -> bytes:
    return to_onnx(network, card).SerializeToString()


def test_they_begin_at_nothing_known(content: bytes) -> None:
    model = onnx.load_from_string(content)
    (tensor,) = [t for t in model.graph.initializer if t.name == INITIALIZER]
    assert not numpy_helper.to_array(tensor).any()
    assert [i.name for i in model.graph.input] == ["input"]


@pytest.mark.parametrize("dials", [Dials(), TOLD])
def test_the_file_answers_as_the_network_does(network: Plain, content: bytes, dials: Dials) -> None:
    x = torch.rand(1, 3, 12, 9, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = network(x, torch.tensor([dials.inputs()])).numpy()
        blind = network(x).numpy()
    model = onnx.load_from_string(set_dials(content, dials))
    (out,) = ReferenceEvaluator(model).run(None, {"input": x.numpy()})
    np.testing.assert_allclose(out, expected, atol=1e-5)
    assert (np.abs(expected - blind).max() > 0.01) == (dials == TOLD)


@pytest.mark.parametrize("device", ["cpu", "torch"])
def test_engines_are_told(
    network: Plain, content: bytes, card: ModelCard, device: str, tmp_path: Path
) -> None:
    path = tmp_path / "told.onnx"
    path.write_bytes(content)
    pixels = np.random.default_rng(0).integers(0, 256, (16, 12, 3), dtype=np.uint8)
    x = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        expected = network(x, torch.tensor([TOLD.inputs()]))[0].permute(1, 2, 0).numpy() * 255
    if device == "torch":
        from crispen.engines.torch import TorchEngine

        engine = TorchEngine(path, card, dials=TOLD, device="cpu")
    else:
        engine = open_engine(path, card, dials=TOLD, device="cpu")
    # In bf16 a network of random weights is a few levels off where it is far from its input.
    error = np.abs(engine.run(pixels).astype(float) - expected)
    assert error.mean() < 0.6
    assert error.max() <= 5


def test_a_model_without_dials_says_so() -> None:
    path, _ = find("photo-x2")
    with pytest.raises(ModelError, match="has no dials"):
        set_dials(path.read_bytes(), TOLD)


@pytest.mark.parametrize("quality", [10, 30, 50, 75, 90, 99])
def test_there_and_back(quality: int) -> None:
    assert quality_of(compression_dial(jpeg_step(quality))) == pytest.approx(quality)
    assert noise_of(noise_dial(quality / 2)) == pytest.approx(quality / 2)


def test_scales_rise_and_end_at_one() -> None:
    for scale in (noise_dial, compression_dial, blur_dial):
        values = [scale(v) for v in (0, 0.5, 1, 1.5, 1000)]
        assert values == sorted(values)
        assert (values[0], values[-1]) == (0, 1)


def test_codecs_on_the_scale_of_jpeg() -> None:
    assert [webp_step(q) for q in (1, 20, 55, 95, 100)] == pytest.approx([2980, 149, 56, 8, 0])
    assert crf_step("hevc", 24) == crf_step("h264", 20) == 50
