"""The engine of PyTorch."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from crispen.engines.torch import TorchEngine
from crispen.errors import ModelError
from crispen.models.card import ModelCard


def onnx_file(path: Path, nodes, channels: int, weights) -> Path:
    io = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", channels, "h", "w"])
        for n in ("input", "output")
    ]
    graph = helper.make_graph(
        nodes, "g", io[:1], io[1:], [numpy_helper.from_array(v, k) for k, v in weights.items()]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def test_torch_names_the_operations_it_does_not_know(tmp_path):
    path = onnx_file(
        tmp_path / "x.onnx", [helper.make_node("Softplus", ["input"], ["output"])], 1, {}
    )
    with pytest.raises(ModelError, match="Softplus"):
        TorchEngine(path, ModelCard(name="x"))
