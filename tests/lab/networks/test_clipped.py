"""The ReLU with a ceiling: what it gives, what it learns, what is exported."""

from __future__ import annotations

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch.nn import functional as F

from crispen.lab.export import to_onnx
from crispen.lab.networks import parameter_count
from crispen.lab.networks.clipped import (
    ClippedRelu,
    LimitedConv,
    RoundedConv,
    RoundedTransposed,
    SignedClip,
    fit_ranges,
    has_new_ranges,
    rounded_kernel,
)
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


def test_values_of_both_signs_take_all_steps_of_8_bits() -> None:
    layer = SignedClip()
    with torch.no_grad():
        layer.range.fill_(2.54)  # 127 steps of 0.02
    x = torch.tensor([-9.0, -2.551, -0.031, 0.0, 0.011, 2.549, 9.0])
    expected = torch.tensor([-2.56, -2.551, -0.031, 0.0, 0.011, 2.54, 2.54])
    torch.testing.assert_close(layer.eval()(x), expected)
    steps = torch.tensor([-128.0, -128.0, -2.0, 0.0, 1.0, 127.0, 127.0])
    torch.testing.assert_close(layer.train()(x), steps * 0.02)


def test_a_transposed_kernel_is_rounded_for_each_output() -> None:
    torch.manual_seed(0)
    layer = RoundedTransposed(3, 2, 4, 2, padding=1)
    x = torch.rand(1, 3, 5, 5)
    turned = rounded_kernel(layer.weight.transpose(0, 1)).transpose(0, 1)
    expected = F.conv_transpose2d(x, turned, layer.bias, stride=2, padding=1)
    torch.testing.assert_close(layer.train()(x), expected)
    plain = F.conv_transpose2d(x, layer.weight, layer.bias, stride=2, padding=1)
    assert not torch.equal(expected, plain)
    assert torch.equal(layer.eval()(x), plain)


def test_a_limited_convolution_limits_its_input_first() -> None:
    torch.manual_seed(0)
    layer = LimitedConv(2, 3, 3, 1).eval()
    x = 3 * torch.randn(1, 2, 6, 6)
    expected = F.conv2d(x.clamp(-128 / 127, 1), layer.weight, layer.bias, padding=1)
    torch.testing.assert_close(layer(x), expected)


def test_a_layer_that_is_used_twice_fits_both() -> None:
    layer = SignedClip()
    network = torch.nn.Sequential(layer, torch.nn.Conv2d(1, 1, 1, bias=False), layer)
    with torch.no_grad():
        network[1].weight.fill_(0.1)
    fit_ranges(network.eval(), torch.tensor([[[[-5.0, 2.0]]]]))
    assert float(layer.range.detach()) == 5.0
    layer.fitted = True
    fit_ranges(network, torch.full((1, 1, 2, 2), 9.0))
    assert float(layer.range.detach()) == 5.0


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


def test_kernels_are_rounded_for_each_output_and_keep_their_gradients() -> None:
    kernel = (torch.randn(3, 2, 3, 3) * torch.tensor([0.01, 1.0, 0.0])[:, None, None, None]).clone()
    kernel.requires_grad_(True)
    rounded = rounded_kernel(kernel)
    largest = kernel.detach().abs().amax((1, 2, 3))
    steps = rounded.detach()[:2] * (127 / largest[:2])[:, None, None, None]
    torch.testing.assert_close(steps, steps.round(), atol=1e-4, rtol=0)
    assert (rounded.detach() - kernel.detach()).abs().amax((1, 2, 3))[0] <= largest[0] / 253
    assert not rounded.detach()[2].any()
    rounded.sum().backward()
    torch.testing.assert_close(kernel.grad, torch.ones_like(kernel))


def test_only_what_follows_a_clipped_relu_trains_rounded() -> None:
    torch.manual_seed(0)
    network = Plain(2, width=8, depth=2, activation="clipped-relu").train()
    x = torch.rand(1, 1, 20, 20)
    fit_ranges(network, x)
    first, second, third = network.activations
    h = first(F.conv2d(x, network.head.weight, network.head.bias, padding=1))
    for layer, activation in zip(network.body, (second, third), strict=True):
        h = activation(F.conv2d(h, rounded_kernel(layer.kernel()), layer.bias, padding=1))
    expected = F.conv2d(h, rounded_kernel(network.tail.weight), network.tail.bias, padding=1)
    torch.testing.assert_close(network.residual(x), expected)
    assert isinstance(network.tail, RoundedConv)
    plain = Plain(2, width=8, depth=2).train()
    assert not isinstance(plain.tail, RoundedConv)
    layer = plain.body[0]
    h = torch.rand(1, 8, 9, 9)
    torch.testing.assert_close(layer(h), F.conv2d(h, layer.kernel(), layer.bias, padding=1))


def test_ranges_are_fitted_to_what_comes_by() -> None:
    torch.manual_seed(0)
    network = Plain(2, width=8, depth=2, activation="clipped-relu").eval()
    plain = Plain(2, width=8, depth=2)
    plain.load_state_dict(network.state_dict(), strict=False)
    assert has_new_ranges(network)
    assert not has_new_ranges(plain)
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
