"""Every registered network, tiny, on the CPU: one new line in `NETWORKS` is tested here at once."""

from __future__ import annotations

import itertools
from typing import Literal, get_args, get_origin

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from crispen.errors import UsageError
from crispen.lab.export import to_onnx
from crispen.lab.networks import NETWORKS, Network, build_network
from crispen.lab.networks.base import Architecture
from crispen.lab.networks.curve import Curve
from crispen.models.card import ModelCard
from crispen.models.dials import INPUTS

SIZES = {
    "width": 8,
    "shrink": 4,
    "depth": 2,
    "blocks": 1,
    "levels": 2,
    "faithful_width": 8,
    "faithful_depth": 2,
}
# PyTorch, ONNX Runtime and OpenVINO add in other orders; a grey level is 4e-3.
ENGINES_ATOL = 5e-5


def tables() -> list[Architecture]:
    """Each kind with its smallest sizes, and again with each choice that its table offers."""
    made = []
    for table in NETWORKS:
        fields = table.model_fields
        small = {name: size for name, size in SIZES.items() if name in fields}
        choices: dict[str, tuple[object, ...]] = {}
        for name, field in fields.items():
            if name != "kind" and get_origin(field.annotation) is Literal:
                choices[name] = get_args(field.annotation)
            elif field.annotation is bool:
                choices[name] = (False, True)
            elif name == "unshuffle":
                choices[name] = (1, 2)
        for values in itertools.product(*choices.values()):
            made.append(table(**small, **dict(zip(choices, values, strict=True))))
    return made


def cases() -> list[object]:
    """Every table at its smallest and largest scale up to 4, on RGB and on luma."""
    made = []
    for table in tables():
        scales = []
        for scale in (1, 2, 3, 4):
            try:
                build_network(table, scale=scale, channels=1)
            except UsageError:
                continue
            scales.append(scale)
        if not scales:  # choices that exclude each other: tanh cannot be trained for int8
            assert (table.kind, getattr(table, "variant", "")) == ("espcn", "paper")
            continue
        options = "-".join(
            str(v) for k, v in table if k not in SIZES and k != "kind" and v is not None
        )
        for scale, channels in zip(sorted({scales[0], scales[-1]}), (3, 1), strict=False):
            name = f"{table.kind}-{options}-x{scale}-{channels}"
            made.append(pytest.param((table, scale, channels), id=name))
    return made


@pytest.fixture(params=cases())
def network(request: pytest.FixtureRequest) -> Network:
    table, scale, channels = request.param
    torch.manual_seed(1)
    network = build_network(table, scale=scale, channels=channels).eval()
    with torch.no_grad():
        for weight in network.parameters():
            if weight.ndim > 1 and not weight.any():
                weight.normal_(std=0.02)  # a layer that starts at zero would hide those before it
    return network


def image(network: Network, height: int, width: int, seed: int = 0, n: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, network.channels, height, width, generator=generator)


def sizes(network: Network) -> list[tuple[int, int]]:
    """Odd numbers of the network's smallest unit, or its one window."""
    if network.window_px:
        return [(network.window_px, network.window_px)]
    m = network.multiple
    return [(m, m), (3 * m, 5 * m)] if m > 1 else [(1, 1), (7, 5)]


def test_shapes_and_range(network: Network) -> None:
    for height, width in sizes(network):
        x = image(network, height, width)
        with torch.no_grad():
            out = network(x)
            given = network.outputs(x).image
        s = network.scale
        assert out.shape == (1, network.channels, s * height, s * width)
        assert out.dtype == torch.float32
        assert float(out.min()) >= 0.0
        assert float(out.max()) <= 1.0
        torch.testing.assert_close(given, out, atol=0, rtol=0)


def test_sides_that_do_not_fit_are_refused(network: Network) -> None:
    good = network.window_px or 3 * network.multiple
    network.check_side(good)
    if network.window_px or network.multiple > 1:
        with pytest.raises(UsageError, match=rf"not {good + 1}; set data.patch = {good}"):
            network.check_side(good + 1)


def test_batch_equals_single(network: Network) -> None:
    height, width = sizes(network)[-1]
    a, b = image(network, height, width, 1), image(network, height, width, 2)
    with torch.no_grad():
        both = network(torch.cat([a, b]))
        torch.testing.assert_close(both, torch.cat([network(a), network(b)]), atol=1e-5, rtol=0)


def reached(network: Network) -> int:
    """How far output rows really look, over all phases: by gradients of 24 random pictures."""
    assert network.halo is not None
    m, s = network.multiple, network.scale
    side = -(-network.halo // m) + 1
    middle = side * m
    x = image(network, (2 * side + 1) * m, max(m, 2), n=24).requires_grad_()
    # Not clipped, so that no gradient is lost; dropout and normalisation stay as at run time.
    network.training = True
    out = network(x)
    farthest = 0
    for row in range(m):
        for phase in range(s):
            line = out[:, :, (middle + row) * s + phase]
            weights = torch.rand(line.shape, generator=torch.Generator().manual_seed(row))
            (gradient,) = torch.autograd.grad((line * weights).sum(), x, retain_graph=True)
            rows = gradient.abs().amax(dim=(0, 1, 3)).nonzero().flatten() - (middle + row)
            farthest = max(farthest, int(rows.abs().max()))
    return farthest


def test_halo_is_exact(network: Network) -> None:
    """The farthest input pixel with an influence lies exactly `halo` away."""
    if network.halo is None:
        # What sees the whole picture says which windows it takes, or that it answers with a curve.
        assert network.window_px or network.has_curve
    else:
        assert reached(network) == network.halo


def test_tiled_equals_whole(network: Network) -> None:
    if network.halo is None:
        return
    m, s, halo = network.multiple, network.scale, network.halo
    rim = -(-halo // m) * m
    core, before = 3 * m, rim + 2 * m
    x = image(network, before + core + rim + m, before + core + rim + 3 * m)
    window = x[..., before - rim : before + core + rim, before - rim : before + core + rim]
    with torch.no_grad():
        whole = network(x)[..., s * before : s * (before + core), s * before : s * (before + core)]
        tile = network(window)[..., s * rim : s * (rim + core), s * rim : s * (rim + core)]
    torch.testing.assert_close(tile, whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("bf16", [False, True], ids=["fp32", "bf16"])
def test_a_training_step_moves_every_weight(network: Network, bf16: bool) -> None:
    network.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    learned = {k: v for k, v in network.named_parameters() if v.requires_grad}
    before = {k: v.clone() for k, v in learned.items()}
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    side = network.window_px or 4 * network.multiple
    x = image(network, side, side, n=2).to(memory_format=torch.channels_last)
    torch.manual_seed(0)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        output = network.outputs(x, torch.rand(2, INPUTS) if network.has_dials else None)
    assert output.image.dtype == torch.float32
    # Both ways, so that a dead last layer could not hide behind the sign.
    loss = (output.image - torch.linspace(-1, 2, output.image.numel()).view_as(output.image)).abs()
    total = loss.mean() if output.kl is None else loss.mean() + 0.1 * output.kl
    total.backward()
    optimizer.step()
    for key, value in learned.items():
        assert torch.isfinite(value).all(), key
        assert not torch.equal(value, before[key]), key


def test_merged_is_the_same_function(network: Network) -> None:
    x = image(network, *sizes(network)[-1])
    with torch.no_grad():
        torch.testing.assert_close(network.merged().eval()(x), network(x), atol=1e-5, rtol=0)


def test_saved_and_loaded_is_the_same(network: Network, request: pytest.FixtureRequest) -> None:
    table, scale, channels = request.node.callspec.params["network"]
    torch.manual_seed(2)
    other = build_network(table, scale=scale, channels=channels).eval()
    content = save({k: v.contiguous() for k, v in network.state_dict().items()})
    other.load_state_dict(load(content))
    x = image(network, *sizes(network)[-1])
    with torch.no_grad():
        assert torch.equal(other(x), network(x))


def test_onnx_runtime_and_openvino_equal_pytorch(network: Network) -> None:
    import onnxruntime
    import openvino

    merged = network.merged().eval()
    card = ModelCard(name="tiny", scale=network.scale, halo=network.halo, base=network.base)
    model = to_onnx(merged, card)
    if network.base == "bicubic":
        assert "residual" in {name for node in model.graph.node for name in node.output}
    content = model.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    core = openvino.Core()
    compiled = core.compile_model(
        core.read_model(content), "CPU", {"INFERENCE_PRECISION_HINT": openvino.Type.f32}
    )
    for (height, width), n in zip(sizes(network), (1, 2), strict=False):
        x = image(network, height, width, height, n)
        with torch.no_grad():
            if isinstance(merged, Curve):  # the file holds the part that finds the curve
                parts = merged.seen(x)
                given = dict(zip(("view", "statistics"), (p.numpy() for p in parts), strict=True))
                expected = merged.estimator(*parts).numpy()
            else:
                given, expected = {"input": x.numpy()}, merged(x).numpy()
        (by_runtime,) = session.run(None, given)
        np.testing.assert_allclose(by_runtime, expected, atol=ENGINES_ATOL)
        np.testing.assert_allclose(compiled(given)[0], expected, atol=ENGINES_ATOL)
