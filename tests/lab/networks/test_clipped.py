"""The ReLU with a ceiling: what it gives, what it learns, what is exported."""

from __future__ import annotations

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from crispen.lab.export import to_onnx
from crispen.lab.networks import parameter_count
from crispen.lab.networks.clipped import ClippedRelu, fit_ranges, has_ranges
from crispen.lab.networks.plain import Plain
from crispen.models.card import ModelCard


def clipped(ceiling: float) -> ClippedRelu:
    layer = ClippedRelu()
    with torch.no_grad():
        layer.range.fill_(ceiling)
    return layer


def test_it_clips_and_rounds_only_while_it_trains() -> None:
    layer = clipped(2.0)
    x = torch.tensor([-1.0, 0.0, 0.0101, 1.9, 2.0, 7.0])
    torch.testing.assert_close(layer.eval()(x), x.clamp(0.0, 2.0))
    steps = layer.train()(x) * 255 / 2.0
    torch.testing.assert_close(steps, steps.round())
    torch.testing.assert_close(layer(x), x.clamp(0.0, 2.0), atol=1 / 255, rtol=0)


def test_gradients_pass_below_the_ceiling_and_move_the_ceiling_above_it() -> None:
    layer = clipped(2.0)
    x = torch.tensor([-1.0, 0.5, 7.0], requires_grad=True)
    layer(x).sum().backward()
    assert x.grad is not None
    assert layer.range.grad is not None
    torch.testing.assert_close(x.grad, torch.tensor([0.0, 1.0, 0.0]))
    # 7 would be 7 if the ceiling were higher; 0.5 adds what its rounding leaves.
    rounding = round(0.5 * 255 / 2) / 255 - 0.5 / 2
    torch.testing.assert_close(layer.range.grad, torch.tensor(1.0 + rounding))


def test_ranges_are_fitted_to_what_comes_by() -> None:
    torch.manual_seed(0)
    network = Plain(2, width=8, depth=2, activation="clipped-relu").eval()
    plain = Plain(2, width=8, depth=2)
    plain.load_state_dict(network.state_dict(), strict=False)
    assert has_ranges(network)
    assert not has_ranges(plain)
    x = torch.rand(2, 1, 24, 24)
    fit_ranges(network, x)
    torch.testing.assert_close(network(x), plain.eval()(x))
    largest = [float(layer.range.detach()) for layer in network.activations]
    assert largest[0] == float(plain.head(x).detach().amax())
    # What is harder than all that came by is cut off.
    assert not torch.allclose(network(3 * x), plain(3 * x))


def test_the_export_has_the_ranges_and_counts_none_as_weights() -> None:
    torch.manual_seed(0)
    network = Plain(2, width=8, depth=2, activation="clipped-relu")
    fit_ranges(network, torch.rand(1, 1, 24, 24))
    merged = network.merged().eval()
    assert parameter_count(merged) == 9 * 8 + 8 + 2 * (9 * 64 + 8) + (9 * 8 + 1) * 4
    model = to_onnx(merged, ModelCard(name="x", scale=2, base="bicubic"))
    constants = {
        node.output[0]: numpy_helper.to_array(node.attribute[0].t)
        for node in model.graph.node
        if node.op_type == "Constant"
    } | {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    clips: list[onnx.NodeProto] = [n for n in model.graph.node if n.op_type == "Clip"]
    ceilings = [float(constants[clip.input[2]]) for clip in clips]
    np.testing.assert_allclose(
        ceilings, [*(float(layer.range.detach()) for layer in network.activations), 1.0], rtol=1e-6
    )
