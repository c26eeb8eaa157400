"""The PyTorch engine's operations against ONNX's own reference implementation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from crispen.engines._torch_operations import operations

RNG = np.random.default_rng(0)
X = RNG.normal(size=(1, 8, 5, 7)).astype(np.float32)
ONE = [np.zeros(0, np.float32)]
FLOOR = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
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
    ("SpaceToDepth", [X[:, :, :4, :6]], {"blocksize": 2}),
    ("Sum", [X, X, X], {}),
    ("Max", [X, -X], {}),
    ("Min", [X, -X], {}),
    ("Abs", [X], {}),
    ("Neg", [X], {}),
    ("Exp", [X], {}),
    ("Sqrt", [abs(X)], {}),
    ("Pow", [abs(X), np.float32(2)], {}),
    ("Elu", [X], {"alpha": 0.7}),
    ("HardSigmoid", [X], {"alpha": 0.3, "beta": 0.4}),
    ("HardSwish", [X], {}),
    ("Softmax", [X], {"axis": 1}),
    ("Div", [np.array([7, 8, 9]), np.array([2, 3, 4])], {}),
    ("MatMul", [X, X.transpose(0, 1, 3, 2)], {}),
    ("Gemm", [X[0, 0], X[0, 1], np.ones(5, np.float32)], {"transB": 1, "alpha": 0.5, "beta": 2.0}),
    ("ReduceMean", [X, np.array([2, 3])], {}),
    ("ReduceMean", [X], {"keepdims": 0}),
    ("GlobalAveragePool", [X], {}),
    (
        "BatchNormalization",
        [X, *(RNG.random((4, 8)).astype(np.float32) + 0.5)],
        {"epsilon": 1e-3},
    ),
    ("InstanceNormalization", [X, *RNG.random((2, 8)).astype(np.float32)], {}),
    ("Reshape", [X, np.array([0, -1, 7])], {}),
    ("Flatten", [X], {}),
    ("Flatten", [X], {"axis": 2}),
    ("Transpose", [X], {"perm": [0, 2, 3, 1]}),
    ("Transpose", [X], {}),
    ("Shape", [X], {"start": 2}),
    ("Gather", [X, np.array([[0, -1], [2, 3]])], {"axis": 1}),
    ("Slice", [X, np.array([1, -3]), np.array([4, 100]), np.array([1, 3]), np.array([2, 1])], {}),
    ("Unsqueeze", [X, np.array([0, -1])], {}),
    ("Squeeze", [X, np.array([0])], {}),
    ("Expand", [X[:, :1], np.array([1, 8, 1, 1])], {}),
    ("Cast", [X], {"to": TensorProto.INT64}),
    ("MaxPool", [X], {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ("MaxPool", [X], {"kernel_shape": [3, 2], "pads": [1, 0, 0, 1], "strides": [1, 2]}),
    ("AveragePool", [X], {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}),
    ("AveragePool", [X], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    ("AveragePool", [X], {"kernel_shape": [3, 3], "pads": [1, 0, 1, 1], "count_include_pad": 1}),
    *(
        ("Resize", [X, *ONE, np.array([1, 1, *by], np.float32)], how)
        for by, how in (
            ((2, 3), {"mode": "nearest", **FLOOR}),
            ((2, 2), {"mode": "nearest"}),
            ((1.5, 1.5), {"mode": "nearest", **FLOOR}),
            ((2, 2), {"mode": "linear"}),
            ((0.5, 3), {"mode": "linear"}),
            ((2, 2), {"mode": "linear", "coordinate_transformation_mode": "align_corners"}),
            ((2, 3), {"mode": "cubic"}),
        )
    ),
    (
        "ConvTranspose",
        [X, RNG.normal(size=(8, 3, 4, 4)).astype(np.float32), np.ones(3, np.float32)],
        {"strides": [2, 2], "pads": [1, 1, 1, 1]},
    ),
    (
        "ConvTranspose",
        [X, RNG.normal(size=(8, 3, 3, 3)).astype(np.float32)],
        {"strides": [2, 2], "pads": [1, 0, 1, 2], "output_padding": [1, 1]},
    ),
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
    actual = operations()[kind](*tensors, **attributes).numpy()
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)
