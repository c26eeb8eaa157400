"""Pictures and networks that several tests of engines use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from crispen.engines.onnxruntime import OnnxRuntimeEngine
from crispen.engines.openvino import OpenVinoEngine
from crispen.engines.torch import TorchEngine
from crispen.media.resample import resize
from crispen.models.card import ModelCard
from crispen.models.store import find, shipped_names


def smooth(height: int, width: int, channels: int, dtype: str, seed: int = 0):
    """A picture with edges and slopes; noise alone would be unlike any photo."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((height // 6 + 2, width // 6 + 2, channels))
    fine = resize(coarse, height, width, method="bilinear")
    fine[height // 3 :, : width // 2] *= 0.6
    return np.round(fine * np.iinfo(dtype).max).astype(dtype)


def grown(x, scale: int):
    return resize(x, x.shape[0] * scale, x.shape[1] * scale)


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


@pytest.fixture
def swap(tmp_path):
    """An RGB network of scale 1 without a base: red and blue change places."""
    kernel = np.eye(3, dtype=np.float32)[[2, 1, 0]].reshape(3, 3, 1, 1)
    path = onnx_file(
        tmp_path / "swap.onnx",
        [helper.make_node("Conv", ["input", "k"], ["output"])],
        3,
        {"k": kernel},
    )
    return path, ModelCard(name="swap", task="restore", color="rgb", halo=0)


ENGINES = [OpenVinoEngine, OnnxRuntimeEngine, TorchEngine]


# An engine takes these as they are; other kinds need the windows of tests/enhance/test_kinds.py.
SHIPPED = [n for n in shipped_names() if (c := find(n)[1]).base == "bicubic" and c.scale > 1]


def graph_file(path: Path, nodes, shape, weights=(), kind=TensorProto.FLOAT) -> Path:
    """A network without a card, of these nodes from ``in`` to ``out``."""
    value = [
        helper.make_tensor_value_info(n, kind, s) for n, s in zip(("in", "out"), shape, strict=True)
    ]
    graph = helper.make_graph(nodes, "g", value[:1], value[1:], list(weights))
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path
