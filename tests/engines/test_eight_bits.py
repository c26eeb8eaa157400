"""Networks trained for it run in 8-bit integers, and give what their rounding gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter
from torch import Tensor, nn

from crispen.engines import openvino as engine_module
from crispen.engines._eight_bits import eight_bits
from crispen.engines.onnxruntime import OnnxRuntimeEngine
from crispen.engines.openvino import OpenVinoEngine
from crispen.errors import UsageError
from crispen.lab.data.toy import toy_pictures
from crispen.lab.export import to_onnx
from crispen.lab.networks import Network, NetworkTable, build_network
from crispen.lab.networks.clipped import Clip, RoundedConv, RoundedTransposed, fit_ranges
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
        if node.get_rt_info()["layerType"].astype(str) in ("Convolution", "Deconvolution")
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


# Kinds, and how many of their convolutions are in int8: all but the first, as counted in
# tests/lab/networks/test_activations.py, where one block has 2.
KINDS: list[tuple[dict[str, Any], int]] = [
    ({"kind": "espcn"}, 3),
    ({"kind": "espcn", "variant": "study"}, 3),
    ({"kind": "srcnn"}, 2),
    ({"kind": "fsrcnn", "width": 16, "shrink": 8, "depth": 1}, 4),
    ({"kind": "edsr", "width": 16, "blocks": 1}, 5),
    ({"kind": "srresnet", "width": 16, "blocks": 1}, 5),
    ({"kind": "residual", "width": 16, "blocks": 1}, 3),
    ({"kind": "residual", "width": 16, "blocks": 1, "variant": "study"}, 5),
    ({"kind": "autoencoder-sharpen"}, 6),
    ({"kind": "autoencoder-unet"}, 9),
    ({"kind": "unet-denoise", "width": 16, "levels": 2}, 7),
]
# Activations that a sum reads, or a sum and a layer that limits it.
SUMMED = {
    "srresnet": ["head.1"],
    "residual": ["blocks.0.layers.6"],
    "autoencoder-unet": ["up1.3", "up2.3"],
}


def picture(side: int, seed: int) -> NDArray[np.uint8]:
    """``(side, side, 3)``."""
    return np.ascontiguousarray(toy_pictures(1, side, seed=seed)[0])


@pytest.fixture(params=KINDS, ids=["-".join(map(str, kind.values())) for kind, _ in KINDS])
def other(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Network, Path, ModelCard, int]:
    """A network with random weights and ranges that suit them, its file, card and int8 layers."""
    table, layers = request.param
    parsed = TypeAdapter(NetworkTable).validate_python(table | {"activation": "clipped-relu"})
    scale = 1 if "autoencoder" in table["kind"] or "unet" in table["kind"] else 2
    torch.manual_seed(1)
    network = build_network(parsed, scale=scale, channels=3)
    for norm in network.modules():  # statistics that folding must respect
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.uniform_(norm.weight, -1.5, 1.5)
            nn.init.normal_(norm.bias, std=0.1)
            nn.init.uniform_(norm.running_var, 0.01, 0.1)  # type: ignore[arg-type]
    x = torch.from_numpy(np.stack([picture(48, seed) for seed in (0, 1)]))
    fit_ranges(network.eval(), x.permute(0, 3, 1, 2) / 255)
    merged = network.merged().eval()
    card = ModelCard(
        name=table["kind"] + table.get("variant", ""),
        scale=scale,
        color="rgb",
        halo=merged.halo,
        base=merged.base,
        multiple=merged.multiple,
        int8=True,
    )
    path = tmp_path / "other.onnx"
    path.write_bytes(to_onnx(merged, card).SerializeToString())
    return network, path, card, layers


def test_other_networks_compute_what_their_training_did(
    other: tuple[Network, Path, ModelCard, int],
) -> None:
    network, path, card, layers = other
    pixels = picture(48, 5)
    engine = OpenVinoEngine(path, card, threads=1, precision="int8")
    answer = engine.run(pixels).astype(float)
    (plan,) = engine._plans.values()
    assert sum(kind.endswith("I8") for kind in convolutions(plan._network)) == layers
    x = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255

    def levels() -> NDArray[np.float64]:
        with torch.no_grad():
            made = network(x).clamp(0, 1)[0].permute(1, 2, 0) * 255
        return made.double().numpy()  # type: ignore[no-any-return]

    exact = levels()
    for layer in network.modules():  # batch normalisation and dropout stay as at run time
        layer.training = isinstance(layer, Clip | RoundedConv | RoundedTransposed)
    for name in SUMMED.get(card.name, ()):  # the engine has no reason to round these
        network.get_submodule(name).eval()
    trained = np.rint(levels())
    rounding = np.abs(trained - exact).mean()
    assert 0.1 < rounding < 2
    assert np.abs(answer - exact).mean() < 2
    # Values that are halfway between two steps fall either way. Layers of hundreds of channels sum
    # up what that changes, and move others over to the next step: from layer to layer it grows.
    share = 0.7 if "autoencoder" in card.name else 0.1
    assert np.abs(answer - trained).mean() < share * rounding


def test_tiles_of_other_networks_are_exact(other: tuple[Network, Path, ModelCard, int]) -> None:
    _, path, card, _ = other
    assert card.halo is not None
    m, s = card.multiple, card.scale
    rim = -(-card.halo // m) * m
    side = 2 * rim + 8 * m
    start = 4 * m
    pixels = picture(side + 8 * m, 6)
    engine = OpenVinoEngine(path, card, threads=1, precision="int8")
    whole = engine.run(pixels).astype(int)
    tile = engine.run(np.ascontiguousarray(pixels[start : start + side, start : start + side]))
    core = slice(s * rim, s * (side - rim))
    inside = slice(s * (start + rim), s * (start + side - rim))
    difference = np.abs(tile[core, core].astype(int) - whole[inside, inside])
    # Sums of the first layer, in fp32, depend on the window's shape in their last bit, so a value
    # halfway between two steps or levels may fall either way.
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01


def test_a_network_that_carries_the_picture_is_in_int8_only_if_trained_for_it(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "cpu_features", lambda: ("AVX-512", "VNNI"))
    monkeypatch.setattr(OpenVinoEngine, "_has_bf16", lambda self: True)
    others = CARD.model_copy(update={"base": "none"})  # such as one with ReLU6
    assert OpenVinoEngine(path, others, threads=1).precision == "fp32"
    ours = others.model_copy(update={"int8": True})
    engine = OpenVinoEngine(path, ours, threads=1)
    assert engine.precision == "int8"
    # Its other layers are not in bf16.
    assert engine._beside_int8 == "fp32"
    assert OpenVinoEngine(path, CARD, threads=1)._beside_int8 == "bf16"
