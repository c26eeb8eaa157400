"""The engine of PyTorch."""

from __future__ import annotations

import pytest
from onnx import helper

from crispen.engines.torch import TorchEngine
from crispen.errors import ModelError
from crispen.models.card import ModelCard

from .conftest import onnx_file


def test_torch_names_the_operations_it_does_not_know(tmp_path):
    path = onnx_file(
        tmp_path / "x.onnx", [helper.make_node("Softplus", ["input"], ["output"])], 1, {}
    )
    with pytest.raises(ModelError, match="Softplus"):
        TorchEngine(path, ModelCard(name="x"))
