"""Results in blocks of 2×2 pixels are those of the pixels, to the last bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from crispen.engines import openvino as engine_module
from crispen.engines._blocks import spread_kernels, unfold
from crispen.engines._nodes import fold_columns
from crispen.engines.onnxruntime import OnnxRuntimeEngine
from crispen.engines.openvino import OpenVinoEngine
from crispen.lab.export import to_onnx
from crispen.lab.networks.clipped import fit_ranges
from crispen.lab.networks.plain import Plain
from crispen.models.card import ModelCard
from crispen.models.store import find

from .conftest import SHIPPED, smooth

DOUBLING = [name for name in SHIPPED if (c := find(name)[1]).scale == 2 and c.color == "luma"]


def network_file(folder: Path, unshuffle: int, activation: str = "clipped-relu") -> Path:
    torch.manual_seed(unshuffle)
    network = Plain(2, 1, 16, 2, activation, unshuffle=unshuffle)  # type: ignore[arg-type]
    with torch.no_grad():
        network.tail.weight.mul_(10)
    if activation == "clipped-relu":
        fit_ranges(network, torch.rand(1, 1, 40, 40))
    path = folder / "small.onnx"
    path.write_bytes(to_onnx(network.merged().eval(), card(unshuffle)).SerializeToString())
    return path


def card(unshuffle: int) -> ModelCard:
    return ModelCard(
        name="small", scale=2, color="luma", halo=20, multiple=unshuffle, base="bicubic"
    )


def without_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "in_blocks", lambda *_: None)


@pytest.mark.parametrize("studio", [True, False])
@pytest.mark.parametrize("name", DOUBLING)
def test_models_give_the_same_in_blocks(name, studio, monkeypatch):
    path, its_card = find(name)
    x = smooth(30, 44, 1, "uint8", seed=4)
    engine = OpenVinoEngine(path, its_card, threads=1)
    answer = engine.run(x, studio=studio)
    without_blocks(monkeypatch)
    other = OpenVinoEngine(path, its_card, threads=1)
    assert np.array_equal(answer, other.run(x, studio=studio))


@pytest.mark.parametrize("unshuffle", [1, 2])
def test_a_network_of_either_kind_gives_the_same(unshuffle, tmp_path, monkeypatch):
    path = network_file(tmp_path, unshuffle)
    x = smooth(30, 44, 1, "uint8", seed=5)
    used = []
    original = engine_module.in_blocks
    monkeypatch.setattr(
        engine_module, "in_blocks", lambda *given: used.append(original(*given)) or used[-1]
    )
    answer = OpenVinoEngine(path, card(unshuffle), precision="int8").run(x, studio=True)
    assert used[0] is not None
    without_blocks(monkeypatch)
    plain = OpenVinoEngine(path, card(unshuffle), precision="int8").run(x, studio=True)
    assert np.array_equal(answer, plain)
    # And both are what the network says.
    truth = OnnxRuntimeEngine(path, card(unshuffle)).run(x, studio=True)
    assert np.abs(answer.astype(int) - truth).mean() < 1


@pytest.mark.parametrize(
    ("shape", "precision"), [((30, 43, 1), "int8"), ((30, 44, 3), "int8"), ((30, 44, 1), "fp32")]
)
def test_other_windows_are_made_pixel_by_pixel(shape, precision, tmp_path, monkeypatch):
    path = network_file(tmp_path, 1)
    made = []
    original = engine_module.in_blocks
    monkeypatch.setattr(
        engine_module, "in_blocks", lambda *given: made.append(original(*given)) or made[-1]
    )
    answer = OpenVinoEngine(path, card(1), precision=precision).run(smooth(*shape, "uint8"))
    assert answer.shape == (60, 2 * shape[1], shape[2])
    assert [one for one in made if one is not None] == []


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_first_convolution_with_stride_sees_the_same_colours(channels, dtype, tmp_path):
    path = network_file(tmp_path, 2, "relu")
    x = smooth(24, 28, channels, dtype, seed=6)
    answers = [
        engine.run(x).astype(float)
        for engine in (
            OpenVinoEngine(path, card(2), precision="fp32"),
            OnnxRuntimeEngine(path, card(2)),
        )
    ]
    limit = 1 if dtype == "uint8" else 8
    assert np.abs(answers[0] - answers[1]).max() <= limit


def test_the_kernels_of_a_block_are_those_of_its_pixels():
    rng = np.random.default_rng(0)
    kernel = torch.from_numpy(rng.normal(size=(4, 3, 3, 3)))
    x = torch.from_numpy(rng.normal(size=(1, 3, 8, 10)))
    expected = torch.nn.functional.pixel_shuffle(
        torch.nn.functional.conv2d(x, kernel, padding=1), 2
    )[0, 0].numpy()
    block = torch.from_numpy(spread_kernels(kernel.numpy()))
    values = torch.nn.functional.conv2d(x, block, stride=2, padding=1)[0].permute(1, 2, 0)
    whole = np.rint(values.numpy() * 1000).astype(np.int16).view(np.uint16)
    answer = np.empty((16, 20, 1), np.uint16)
    unfold(np.ascontiguousarray(whole), answer)
    assert np.array_equal(answer[..., 0].view(np.int16), np.rint(expected * 1000).astype(np.int16))


def test_folded_columns_are_channels():
    rng = np.random.default_rng(1)
    kernel = torch.from_numpy(rng.normal(size=(5, 3, 4, 6)))
    x = torch.from_numpy(rng.normal(size=(1, 3, 10, 12)))
    expected = torch.nn.functional.conv2d(x, kernel, stride=2)
    pairs = x.reshape(1, 3, 10, 6, 2).permute(0, 4, 1, 2, 3).reshape(1, 6, 10, 6)
    folded = torch.from_numpy(fold_columns(kernel.numpy(), 2))
    answer = torch.nn.functional.conv2d(pairs, folded, stride=(2, 1))
    assert torch.allclose(answer, expected)
