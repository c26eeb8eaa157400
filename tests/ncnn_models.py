"""Models of ncnn, written as its own tools write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator
from torch import Tensor, nn

from crispen.models import ncnn

FLAG_HALF = np.array([0x01306B47], "<u4").tobytes()
FLAG_FULL = bytes(4)


class Written:
    """The two files of a model, written layer by layer, as ncnn's own tools write them."""

    def __init__(self, *, half: bool = False) -> None:
        self.lines = ["Input in 0 1 x"]
        self.weights = b""
        self.half = half

    def layer(self, kind: str, inputs: str, outputs: str, options: str = "") -> None:
        ins, outs = len(inputs.split()), len(outputs.split())
        name = f"{kind}_{len(self.lines)}"
        self.lines.append(f"{kind:24} {name} {ins} {outs} {inputs} {outputs} {options}")

    def kernel(self, values: Tensor) -> None:
        flat = values.detach().flatten().numpy()
        if self.half:
            content = flat.astype("<f2").tobytes()
            self.weights += FLAG_HALF + content + bytes(-len(content) % 4)
        else:
            self.weights += FLAG_FULL + flat.astype("<f4").tobytes()

    def plain(self, values: Tensor) -> None:
        self.weights += values.detach().flatten().numpy().astype("<f4").tobytes()

    def convolution(self, layer: nn.Conv2d, inputs: str, outputs: str, more: str = "") -> None:
        o = layer.out_channels
        side, pad, step = layer.kernel_size[0], layer.padding[0], layer.dilation[0]  # type: ignore[index]
        kind = "Convolution" if layer.groups == 1 else "ConvolutionDepthWise"
        grouped = f" 7={layer.groups}" if layer.groups > 1 else ""
        self.layer(
            kind,
            inputs,
            outputs,
            f"0={o} 1={side} 2={step} 4={pad} 5=1 6={layer.weight.numel()}{grouped} {more}",
        )
        self.kernel(layer.weight)
        assert layer.bias is not None
        self.plain(layer.bias)

    @property
    def param(self) -> str:
        return "\n".join(["7767517", f"{len(self.lines)} {len(self.lines)}", *self.lines]) + "\n"

    def answer(self, x: NDArray[np.float32]) -> tuple[NDArray[np.float32], ncnn.Converted]:
        converted = ncnn.convert(self.param, self.weights)
        model = onnx.load_from_string(converted.content)
        onnx.checker.check_model(model, full_check=True)
        (made,) = ReferenceEvaluator(model).run(None, {"input": x})
        return np.asarray(made), converted


def conv(inputs: int, outputs: int, side: int = 3, pad: int = 1, **more: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, side, padding=pad, **more)


def picture(height: int = 12, width: int = 9) -> NDArray[np.float32]:
    return np.random.default_rng(0).random((1, 3, height, width)).astype(np.float32)


def doubling(folder: Path, name: str = "twice") -> Path:
    """A model that enlarges twice, by nearest, in two layers without padding."""
    made = Written()
    middle = torch.zeros(3, 3, 3, 3)
    middle[range(3), range(3), 1, 1] = 1
    copy = conv(3, 3, pad=0)
    copy.weight.data = middle
    assert copy.bias is not None
    copy.bias.data.zero_()
    made.convolution(copy, "x", "a")
    made.layer("Interp", "a", "out", "0=1 1=2 2=2")
    path = folder / f"{name}.param"
    path.write_text(made.param)
    path.with_suffix(".bin").write_bytes(made.weights)
    return path
