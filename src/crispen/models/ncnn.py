"""Converts ncnn models, as shipped by waifu2x, Upscayl and others, to ONNX.

Two files make a model: ``NAME.param`` lists the layers, one a line, and ``NAME.bin`` holds their
weights one after another, in 32 or 16 bits. The layers of
image-to-image networks are supported. If convolutions do not pad, the input is padded with its
edge, so that the result is a whole multiple of the picture.

Source: https://github.com/Tencent/ncnn/wiki/operators, param-and-model-file-structure.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from crispen.errors import MissingInput, ModelError, needs_extra
from crispen.models.card import FAR_PX
from crispen.models.ncnn_files import Layer, Weights, read_layers

if TYPE_CHECKING:
    import onnx

SUFFIXES = (".param", ".bin")
_OPSET = 17


class Converted(NamedTuple):
    """A network in ONNX.

    Attributes:
        content: The file.
        halo: Input pixels around a pixel on which its output depends; None if there are many.
        architecture: Description of its layers.
    """

    content: bytes
    halo: int | None
    architecture: str


class _Value(NamedTuple):
    """One feature map: its name in the graph, and its alignment with the picture.

    Attributes:
        name: Of the ONNX value.
        scale: Samples for each pixel of the input, along one side.
        lost: How many fewer samples than that there are, since convolutions do not pad.
        reach: Pixels of the input that it depends on, to one side.
    """

    name: str
    scale: Fraction
    lost: int
    reach: Fraction


@dataclass
class _Graph:
    """The ONNX graph under construction."""

    weights: Weights
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    values: dict[str, _Value] = field(default_factory=dict)
    last: str = ""
    convolutions: int = 0

    def add(self, layer: Layer) -> None:
        """Translates one layer."""
        translate = _TRANSLATIONS.get(layer.kind)
        if translate is None:
            raise ModelError(
                f"layer {layer.name}: {layer.kind} is none of the layers that can be translated "
                f"({', '.join(sorted(_TRANSLATIONS))})"
            )
        try:
            given = [self.values[name] for name in layer.inputs]
        except KeyError as error:
            raise ValueError(f"layer {layer.name} takes {error}, which none makes") from error
        made = translate(self, layer, given)
        for name in layer.outputs:
            self.values[name] = made
            self.last = name

    def node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        """Add an operator; returns the name of its output."""
        from onnx import helper

        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def constant(self, array: NDArray[np.generic]) -> str:
        """A tensor that does not change."""
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def activated(self, layer: Layer, name: str) -> str:
        """The activation of a convolution."""
        given = layer.numbers(10)
        match layer.integer(9):
            case 0:
                return name
            case 1:
                return self.node("Relu", [name])
            case 2:
                return self.node("LeakyRelu", [name], alpha=given[0])
            case 3:
                low, high = (self.constant(np.array(v, np.float32)) for v in given)
                return self.node("Clip", [name, low, high])
            case 4:
                return self.node("Sigmoid", [name])
            case other:
                raise layer.refuse(f"activation {other}")

    def finish(self, name: str) -> Converted:
        """The file: the input padded, the output cropped to a whole multiple of the picture."""
        from onnx import TensorProto, helper

        self.weights.check_end()
        answer = self.values[self.last]
        if answer.scale.denominator != 1:
            raise ModelError(f"it enlarges {answer.scale} times, and only whole scales will do")
        scale = int(answer.scale)
        if answer.lost < 0 or answer.lost % 2:
            raise ModelError(f"its answer is {-answer.lost} pixels off the multiple of its input")
        border = math.ceil(answer.lost / 2 / scale)
        head = []
        if border:
            sides = self.constant(np.array([0, 0, border, border] * 2, np.int64))
            head.append(helper.make_node("Pad", ["input", sides], ["padded"], mode="edge"))
            beyond = border * scale - answer.lost // 2
            if beyond:
                ends = [self.constant(np.array([v, v], np.int64)) for v in (beyond, -beyond)]
                axes = self.constant(np.array([2, 3], np.int64))
                cut = self.node("Slice", [answer.name, *ends, axes])
                answer = answer._replace(name=cut)
        else:
            head.append(helper.make_node("Identity", ["input"], ["padded"]))
        tail = helper.make_node("Identity", [answer.name], ["output"])
        channels: list[str | int | None] = ["batch", 3]
        graph = helper.make_graph(
            [*head, *self.nodes, tail],
            name,
            [
                helper.make_tensor_value_info(
                    "input", TensorProto.FLOAT, [*channels, "height", "width"]
                )
            ],
            [
                helper.make_tensor_value_info(
                    "output", TensorProto.FLOAT, [*channels, "out_height", "out_width"]
                )
            ],
            self.constants,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=8
        )
        halo = math.ceil(answer.reach)
        return Converted(
            model.SerializeToString(),
            halo if halo <= FAR_PX else None,
            f"{self.convolutions} convolutions, from ncnn",
        )


def _input(graph: _Graph, layer: Layer, given: list[_Value]) -> _Value:
    if graph.values:
        raise layer.refuse("a second input")
    return _Value("padded", Fraction(1), 0, Fraction(0))


def _split(graph: _Graph, layer: Layer, given: list[_Value]) -> _Value:
    return given[0]


def _convolution(graph: _Graph, layer: Layer, given: list[_Value]) -> _Value:
    (x,) = given
    outputs, side, step = layer.integer(0), layer.integer(1), layer.integer(2, 1)
    pad, groups = layer.integer(4), layer.integer(7, 1)
    if layer.integer(3, 1) != 1 or layer.integer(11, side) != side:
        raise layer.refuse("a stride, or a kernel that is not square,")
    if pad < 0:
        raise layer.refuse("its padding")
    kernel = graph.weights.take_flagged(layer.integer(6)).reshape(outputs, -1, side, side)
    inputs = [x.name, graph.constant(kernel)]
    if layer.integer(5):
        inputs.append(graph.constant(graph.weights.take(outputs)))
    name = graph.node("Conv", inputs, group=groups, pads=[pad] * 4, dilations=[step] * 2)
    graph.convolutions += 1
    reach = x.reach + Fraction(step * (side - 1), 2) / x.scale
    lost = x.lost + step * (side - 1) - 2 * pad
    return _Value(graph.activated(layer, name), x.scale, lost, reach)


def _deconvolution(graph: _Graph, layer: Layer, given: list[_Value]) -> _Value:
    (x,) = given
    outputs, side, stride, pad = (layer.integer(k, d) for k, d in ((0, 0), (1, 0), (3, 1), (4, 0)))
    if layer.integer(2, 1) != 1 or layer.integer(7, 1) != 1 or layer.integer(11, side) != side:
        raise layer.refuse("its dilation, groups or kernel")
    kernel = graph.weights.take_flagged(layer.integer(6)).reshape(outputs, -1, side, side)
    inputs = [x.name, graph.constant(kernel.transpose(1, 0, 2, 3))]
    if layer.integer(5):
        inputs.append(graph.constant(graph.weights.take(outputs)))
    name = graph.node("ConvTranspose", inputs, strides=[stride] * 2, pads=[pad] * 4)
    graph.convolutions += 1
    return _Value(
        graph.activated(layer, name),
        x.scale * stride,
        stride * x.lost + stride + 2 * pad - side,
        x.reach + Fraction(math.ceil(side / stride)) / x.scale,
    )


def _prelu(graph: _Graph, layer: Layer, given: list[_Value]) -> _Value:
    slopes = graph.weights.take(layer.integer(0)).reshape(-1, 1, 1)
    return given[0]._replace(
        name=graph.node("PRelu", [given[0].name, graph.constant(slopes)]),
    )


def _relu(graph: _Graph, layer: Layer, given: list[_Value]) -> _Value:
    return given[0]._replace(
        name=graph.node("LeakyRelu", [given[0].name], alpha=layer.number(0)),
    )


def _sigmoid(graph: _Graph, layer: Layer, given: list[_Value]) -> _Value:
    return given[0]._replace(name=graph.node("Sigmoid", [given[0].name]))


def _together(layer: Layer, given: list[_Value]) -> _Value:
    """The alignment of a combination of several maps; all must be aligned."""
    if len({(value.scale, value.lost) for value in given}) != 1:
        raise layer.refuse("what it puts together, of different sizes,")
    return given[0]._replace(reach=max(value.reach for value in given))


def _binary(graph: _Graph, layer: Layer, given: list[_Value]) -> _Value:
    kinds = {0: "Add", 1: "Sub", 2: "Mul", 3: "Div"}
    kind = kinds.get(layer.integer(0))
    if kind is None:
        raise layer.refuse(f"operation {layer.integer(0)}")
    names = [value.name for value in given]
    if layer.integer(1):
        names.append(graph.constant(np.array(layer.number(2), np.float32)))
    return _together(layer, given)._replace(name=graph.node(kind, names))


def _eltwise(graph: _Graph, layer: Layer, given: list[_Value]) -> _Value:
    kind = {0: "Mul", 1: "Add", 2: "Max"}.get(layer.integer(0))
    if kind is None:
        raise layer.refuse(f"operation {layer.integer(0)}")
    names = [value.name for value in given]
    for place, factor in enumerate(layer.numbers(1)):
        if factor != 1:
            scaled = graph.constant(np.array(factor, np.float32))
            names[place] = graph.node("Mul", [names[place], scaled])
    total = names[0]
    for name in names[1:]:
        total = graph.node(kind, [total, name])
    return _together(layer, given)._replace(name=total)


def _concat(graph: _Graph, layer: Layer, given: list[_Value]) -> _Value:
    if layer.integer(0):
        raise layer.refuse("another axis than channels")
    names = [value.name for value in given]
    return _together(layer, given)._replace(name=graph.node("Concat", names, axis=1))


def _shuffle(graph: _Graph, layer: Layer, given: list[_Value]) -> _Value:
    (x,) = given
    factor = layer.integer(0, 1)
    if layer.integer(1):
        raise layer.refuse("its order of channels")
    name = graph.node("DepthToSpace", [x.name], blocksize=factor, mode="CRD")
    return x._replace(name=name, scale=x.scale * factor, lost=x.lost * factor)


def _resize(graph: _Graph, layer: Layer, given: list[_Value]) -> _Value:
    (x,) = given
    factor = Fraction(layer.number(1, 1)).limit_denominator(16)
    modes: dict[int, tuple[str, dict[str, Any]]] = {
        1: ("nearest", {"nearest_mode": "floor"}),
        2: ("linear", {}),
        3: ("cubic", {"cubic_coeff_a": -0.75}),
    }
    mode, more = modes.get(layer.integer(0), ("", {}))
    if not mode or layer.number(1, 1) != layer.number(2, 1) or layer.integer(6):
        raise layer.refuse("its way of resizing")
    if (x.lost * factor).denominator != 1:
        raise layer.refuse("resizing to a part of a pixel")
    scales = graph.constant(np.array([1, 1, factor, factor], np.float32))
    place = "asymmetric" if mode == "nearest" else "half_pixel"
    name = graph.node(
        "Resize", [x.name, "", scales], mode=mode, coordinate_transformation_mode=place, **more
    )
    taps = {"nearest": 0, "linear": 1, "cubic": 2}[mode]
    return _Value(
        name, x.scale * factor, int(x.lost * factor), x.reach + Fraction(1 + taps) / x.scale
    )


_TRANSLATIONS: dict[str, Callable[[_Graph, Layer, list[_Value]], _Value]] = {
    "BinaryOp": _binary,
    "Concat": _concat,
    "Convolution": _convolution,
    "ConvolutionDepthWise": _convolution,
    "Deconvolution": _deconvolution,
    "Eltwise": _eltwise,
    "Input": _input,
    "Interp": _resize,
    "PReLU": _prelu,
    "PixelShuffle": _shuffle,
    "ReLU": _relu,
    "Sigmoid": _sigmoid,
    "Split": _split,
}


def load(path: Path) -> Converted:
    """Translates a model.

    Args:
        path: Either of its two files; the other is beside it.

    Raises:
        MissingInput: One of the two is missing.
        MissingExtra: The package ``onnx`` is not installed.
        ModelError: It is broken, or has a layer that cannot be translated.
    """
    _require_onnx()
    param, weights = (path.with_suffix(suffix) for suffix in SUFFIXES)
    for file in (param, weights):
        if not file.is_file():
            raise MissingInput(
                f"{file}: is not there; a model of ncnn is two files, {param.name} and "
                f"{weights.name}"
            )
    try:
        return convert(param.read_text(encoding="utf-8"), weights.read_bytes(), path.stem)
    except (ValueError, IndexError) as error:
        raise ModelError(f"{param}: is broken ({error}); fetch it again") from error
    except ModelError as error:
        raise ModelError(f"{param}: {error}") from error


def convert(param: str, weights: bytes, name: str = "ncnn") -> Converted:
    """See `load`, from the content of the files."""
    _require_onnx()
    graph = _Graph(Weights(weights))
    for layer in read_layers(param):
        graph.add(layer)
    return graph.finish(name)


def _require_onnx() -> None:
    with needs_extra("translating a model of ncnn", "convert"):
        import onnx  # noqa: F401
