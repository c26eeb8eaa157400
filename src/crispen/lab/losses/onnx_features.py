"""A network in an ONNX file as a differentiable PyTorch module.

ONNX Runtime has no gradients, so the graph is evaluated here, node by node. Supported are the
operators of plain convolutional networks; the error names an operator that is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F

from crispen.errors import InputError, MissingInput, UsageError, nearest_names

Attributes = Mapping[str, Any]
Operator = Callable[[Attributes, list[Any]], Tensor]


def _padded(x: Tensor, a: Attributes, value: float) -> Tensor:
    """The input with the ``pads`` (top, left, bottom, right) of a sliding window."""
    if a.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID") or a.get("ceil_mode"):
        raise UsageError("only explicit padding and whole windows can be read; export it again")
    top, left, bottom, right = a.get("pads", (0, 0, 0, 0))
    return F.pad(x, (left, right, top, bottom), value=value) if any(a.get("pads", ())) else x


def _conv(a: Attributes, x: list[Any]) -> Tensor:
    bias = x[2] if len(x) > 2 else None
    strides, dilations = a.get("strides", (1, 1)), a.get("dilations", (1, 1))
    return F.conv2d(
        _padded(x[0], a, 0.0), x[1], bias, tuple(strides), 0, tuple(dilations), a.get("group", 1)
    )


def _pooled(kind: str) -> Operator:
    def pool(a: Attributes, x: list[Any]) -> Tensor:
        side, strides = tuple(a["kernel_shape"]), tuple(a.get("strides", (1, 1)))
        if kind == "max":
            return F.max_pool2d(_padded(x[0], a, float("-inf")), side, strides)
        if any(a.get("pads", ())) and not a.get("count_include_pad"):
            raise UsageError("an average over padding that does not count; export it again")
        return F.avg_pool2d(_padded(x[0], a, 0.0), side, strides)

    return pool


def _gemm(a: Attributes, x: list[Any]) -> Tensor:
    left = x[0].T if a.get("transA") else x[0]
    right = x[1].T if a.get("transB") else x[1]
    out: Tensor = a.get("alpha", 1.0) * (left @ right)
    return out + a.get("beta", 1.0) * x[2] if len(x) > 2 else out


def _clip(a: Attributes, x: list[Any]) -> Tensor:
    low = x[1] if len(x) > 1 else a.get("min")
    high = x[2] if len(x) > 2 else a.get("max")
    return torch.clamp(x[0], low, high)


def _slope(a: Attributes, x: list[Any]) -> Tensor:
    return torch.where(x[0] >= 0, x[0], x[0] * x[1])


OPERATORS: dict[str, Operator] = {
    "Add": lambda a, x: x[0] + x[1],
    "AveragePool": _pooled("average"),
    "BatchNormalization": lambda a, x: F.batch_norm(
        x[0], x[3], x[4], x[1], x[2], eps=a.get("epsilon", 1e-5)
    ),
    "Clip": _clip,
    "Concat": lambda a, x: torch.cat(x, dim=a["axis"]),
    "Conv": _conv,
    "Div": lambda a, x: x[0] / x[1],
    "Dropout": lambda a, x: x[0],
    "Elu": lambda a, x: F.elu(x[0], a.get("alpha", 1.0)),
    "Flatten": lambda a, x: x[0].flatten(1),
    "Gemm": _gemm,
    "GlobalAveragePool": lambda a, x: x[0].mean(dim=(2, 3), keepdim=True),
    "Identity": lambda a, x: x[0],
    "LeakyRelu": lambda a, x: F.leaky_relu(x[0], a.get("alpha", 0.01)),
    "MaxPool": _pooled("max"),
    "Mul": lambda a, x: x[0] * x[1],
    "PRelu": _slope,
    "Relu": lambda a, x: F.relu(x[0]),
    "Sigmoid": lambda a, x: torch.sigmoid(x[0]),
    "Sub": lambda a, x: x[0] - x[1],
    "Tanh": lambda a, x: torch.tanh(x[0]),
}


class OnnxFeatures(nn.Module):
    """``(N, C, H, W)`` → named tensors of the graph.

    Args:
        path: The ONNX file; its first input is the picture.
        wanted: Names of tensors in the graph; the graph's outputs if empty.

    Raises:
        MissingInput: There is no such file.
        InputError: It is not an ONNX file, or has an unsupported operator.
        UsageError: There is no such tensor.
    """

    def __init__(self, path: Path, wanted: tuple[str, ...] = ()) -> None:
        super().__init__()
        graph = _graph(path)
        self._path = path
        self.wanted = wanted or tuple(output.name for output in graph.output)
        constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        self._nodes: list[tuple[str, Attributes, list[str], str]] = []
        for node in graph.node:
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            if node.op_type == "Constant":
                constants[node.output[0]] = numpy_helper.to_array(attributes["value"])
                continue
            if node.op_type not in OPERATORS:
                raise InputError(
                    f"{path}: has the operator {node.op_type}, whose gradient is not known here; "
                    "give the network as TorchScript instead"
                )
            inputs = [name for name in node.input if name]
            self._nodes.append((node.op_type, attributes, inputs, node.output[0]))
        made = {output for *_, output in self._nodes}
        for name in self.wanted:
            if name not in made:
                raise UsageError(f"{path}: has no tensor {name}{nearest_names(name, made)}")
        self._input = next(i.name for i in graph.input if i.name not in constants)
        self._constants = {}
        for number, (name, array) in enumerate(constants.items()):
            self._constants[name] = f"constant{number}"
            self.register_buffer(f"constant{number}", torch.from_numpy(np.array(array)))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """The wanted tensors by name."""
        values: dict[str, Tensor] = {self._input: x}
        for name, key in self._constants.items():
            values[name] = getattr(self, key)
        left = set(self.wanted)
        for operator, attributes, inputs, output in self._nodes:
            try:
                values[output] = OPERATORS[operator](attributes, [values[i] for i in inputs])
            except (RuntimeError, UsageError) as error:
                raise InputError(
                    f"{self._path}: {operator} {output} cannot be worked out: "
                    f"{str(error).splitlines()[0]}"
                ) from error
            left.discard(output)
            if not left:
                break
        return {name: values[name] for name in self.wanted}


def _graph(path: Path) -> onnx.GraphProto:
    try:
        graph: onnx.GraphProto = onnx.load(path).graph
    except FileNotFoundError as error:
        raise MissingInput(f"{path}: no such file; correct the loss's network") from error
    except Exception as error:
        raise InputError(f"{path}: not an ONNX file ({type(error).__name__})") from error
    if not graph.node:
        raise InputError(f"{path}: not an ONNX file, or an empty one")
    return graph
