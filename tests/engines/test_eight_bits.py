"""Networks trained for it run in 8-bit integers, and give what their rounding gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
import pytest
import torch
from torch import Tensor

from crispen.engines import openvino as engine_module
from crispen.engines._eight_bits import eight_bits
from crispen.engines.onnxruntime import OnnxRuntimeEngine
from crispen.engines.openvino import OpenVinoEngine
from crispen.errors import UsageError
from crispen.lab.export import to_onnx
from crispen.lab.networks.clipped import fit_ranges
from crispen.lab.networks.plain import Plain
from crispen.models.card import ModelCard

CARD = ModelCard(name="small", scale=2, color="luma", halo=5, base="bicubic", parameters=1)


def small(activation: str = "clipped-relu") -> Plain:
    torch.manual_seed(3)
    network = Plain(2, width=16, depth=2, activation=activation)  # type: ignore[arg-type]
    with torch.no_grad():
        network.tail.weight.mul_(10)
    if activation == "clipped-relu":
        fit_ranges(network, torch.rand(1, 1, 40, 40))
    return network.merged().eval()


@pytest.fixture
def network() -> Plain:
    return small()


@pytest.fixture
def path(network: Plain, tmp_path: Path) -> Path:
    file = tmp_path / "small.onnx"
    file.write_bytes(to_onnx(network, CARD).SerializeToString())
    return file


def in_steps(weight: Tensor) -> Tensor:
    """A kernel in 127 steps on either side of zero."""
    unit = weight.abs().amax((1, 2, 3), keepdim=True) / 127
    return (weight / unit).round() * unit


def rounded(network: Plain, x: Tensor, first_too: bool = False) -> Tensor:
    """The residual with inputs in 255 steps and weights in 127, written out."""
    first, *others = network.activations
    layers = [*network.body, network.tail]
    head = network.head
    kernel = in_steps(head.weight) if first_too else head.weight
    x = first(torch.nn.functional.conv2d(x, kernel, head.bias, padding=1))
    for i, layer in enumerate(layers):
        ceiling = float(network.activations[i].range)
        steps = (x * 255 / ceiling).round() * ceiling / 255
        x = torch.nn.functional.conv2d(steps, in_steps(layer.weight), layer.bias, padding=1)
        if i < len(others):
            x = others[i](x)
    return x


def test_it_computes_with_rounded_inputs_and_weights(network: Plain, path: Path) -> None:
    model = ov.Core().read_model(path.read_bytes())
    assert eight_bits(model) == 3
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": ov.Type.f32})
    x = torch.rand(1, 1, 33, 47, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        expected = network.compose(x, rounded(network, x)).clamp(0, 1).numpy()
        exact = network(x).numpy()
    (answer,) = compiled(x.numpy()).values()
    # A value halfway between two steps may fall either way.
    assert np.abs(answer - expected).mean() < 0.1 * np.abs(expected - exact).mean()
    assert np.abs(answer - expected).max() < 0.02


def convolutions(compiled: ov.CompiledModel) -> list[str]:
    """What computes each convolution, such as ``brgconv_avx512_I8``."""
    return [
        str(node.get_rt_info()["primitiveType"].astype(str)).upper()
        for node in compiled.get_runtime_model().get_ops()
        if node.get_rt_info()["layerType"].astype(str) == "Convolution"
    ]


def test_the_first_layer_of_a_luma_plane_is_in_8_bits_too(network: Plain, path: Path) -> None:
    engine = OpenVinoEngine(path, CARD, threads=1, precision="int8")
    levels = np.random.default_rng(5).integers(16, 236, (34, 48, 1)).astype(np.uint8)
    answer = engine.run(levels, studio=True)
    (plan,) = engine._plans.values()
    kinds = convolutions(plan._network)
    assert len(kinds) == 4
    assert all(kind.endswith("I8") for kind in kinds)
    x = torch.from_numpy(levels).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        near, far = (
            network.compose(x, rounded(network, x, first_too)).clamp(0, 1).numpy()[0, 0] * 255
            for first_too in (True, False)
        )
    # Apart from halves that fall either way, the rounded first kernel explains the answer.
    assert np.abs(answer[..., 0] - near).mean() < 0.5
    assert np.abs(answer[..., 0] - near).mean() < np.abs(answer[..., 0] - far).mean()


def test_the_plugin_really_computes_in_8_bits(path: Path) -> None:
    model = ov.Core().read_model(path.read_bytes())
    eight_bits(model)
    model.reshape([1, 1, 32, 32])
    compiled = ov.Core().compile_model(model, "CPU")
    assert sum(kind.endswith("I8") for kind in convolutions(compiled)) == 3


@pytest.mark.parametrize("activation", ["relu", "leaky-relu"])
def test_other_networks_are_left_alone(activation: str, tmp_path: Path) -> None:
    file = tmp_path / "small.onnx"
    file.write_bytes(to_onnx(small(activation), CARD).SerializeToString())
    assert eight_bits(ov.Core().read_model(file.read_bytes())) == 0
    assert OpenVinoEngine(file, CARD, threads=1).precision != "int8"
    with pytest.raises(UsageError, match="was not trained for int8"):
        OpenVinoEngine(file, CARD, threads=1, precision="int8")


def test_only_cpus_that_gain_take_it_by_themselves(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "cpu_features", lambda: ("AVX-512", "VNNI"))
    assert OpenVinoEngine(path, CARD, threads=1).precision == "int8"
    monkeypatch.setattr(engine_module, "cpu_features", lambda: ("AVX-512",))
    assert OpenVinoEngine(path, CARD, threads=1).precision in ("bf16", "fp32")


def test_rounding_takes_no_more_memory_into_account(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its nodes are no layers of their own, so windows need not be smaller."""
    monkeypatch.setattr(OpenVinoEngine, "_has_bf16", lambda self: True)
    sizes = {
        precision: OpenVinoEngine(path, CARD, threads=1, precision=precision).bytes_per_px
        for precision in ("int8", "bf16")
    }
    assert sizes["int8"] == sizes["bf16"]


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 3])
def test_windows_are_near_the_exact_answer(path: Path, dtype: str, channels: int) -> None:
    peak = np.iinfo(dtype).max
    ramp = np.linspace(0.1, 0.9, 40)[:, None] * np.linspace(0.3, 1.0, 56)
    x = np.rint(np.repeat(ramp[..., None], channels, 2) * peak).astype(dtype)
    fast = OpenVinoEngine(path, CARD, threads=1, precision="int8").run(x)
    exact = OnnxRuntimeEngine(path, CARD, threads=1).run(x)
    assert np.abs(fast.astype(int) - exact).mean() <= 0.01 * peak
