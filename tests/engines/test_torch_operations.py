"""The PyTorch engine's operations against ONNX's own reference implementation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from crispen.engines.torch import _operations

RNG = np.random.default_rng(0)
X = RNG.normal(size=(1, 8, 5, 7)).astype(np.float32)
CASES = [
    ("Relu", [X], {}),
    ("LeakyRelu", [X], {"alpha": 0.2}),
    ("PRelu", [X, RNG.random((8, 1, 1)).astype(np.float32)], {}),
    ("Sigmoid", [X], {}),
    ("Tanh", [X], {}),
    ("Erf", [X], {}),
    ("Gelu", [X], {}),
    ("Gelu", [X], {"approximate": "tanh"}),
    ("Clip", [X, np.float32(-0.5), np.float32(0.25)], {}),
    ("Concat", [X, X + 1], {"axis": 1}),
    ("DepthToSpace", [X], {"blocksize": 2, "mode": "CRD"}),
    ("DepthToSpace", [X], {"blocksize": 2, "mode": "DCR"}),
    ("Pad", [X, np.array([0, 0, 1, 2, 0, 0, 3, 4])], {"mode": "edge"}),
    ("Pad", [X, np.array([0, 0, 1, 2, 0, 0, 3, 4])], {"mode": "reflect"}),
    ("Pad", [X, np.array([0, 0, 1, 2, 0, 0, 3, 4]), np.float32(0.5)], {"mode": "constant"}),
    (
        "Conv",
        [X, RNG.normal(size=(4, 4, 3, 3)).astype(np.float32), np.ones(4, np.float32)],
        {"pads": [1, 0, 2, 1], "group": 2, "dilations": [1, 2]},
    ),
    (
        "Conv",
        [X, RNG.normal(size=(4, 8, 3, 3)).astype(np.float32)],
        {"pads": [1, 1, 1, 1], "strides": [2, 2]},
    ),
]


@pytest.mark.parametrize(("kind", "inputs", "how"), CASES)
def test_equals_onnx_reference(kind, inputs, how):
    names = [f"i{n}" for n in range(len(inputs))]
    node = helper.make_node(kind, names, ["o"], **how)
    types = {np.dtype("f4"): TensorProto.FLOAT, np.dtype("i8"): TensorProto.INT64}
    graph = helper.make_graph(
        [node],
        "g",
        [
            helper.make_tensor_value_info(n, types[np.asarray(x).dtype], np.shape(x))
            for n, x in zip(names, inputs, strict=True)
        ],
        [helper.make_tensor_value_info("o", TensorProto.FLOAT, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    feed = dict(zip(names, map(np.asarray, inputs), strict=True))
    expected = ReferenceEvaluator(model).run(None, feed)[0]
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    tensors = [torch.from_numpy(np.array(x)) for x in inputs]
    actual = _operations()[kind](*tensors, **attributes).numpy()
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)
