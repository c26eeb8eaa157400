"""The first of the two OpenVINO graphs that make a window; `crispen.engines._paint` is the other.

::

    pixels ─► network (bf16, int8) ─► residual ─┐
       └────► paint (fp32): bicubic base ───────┴► add ─► clip ─► round ─► pixels

They are two because OpenVINO forces everything before the last convolution of a bf16 graph to
bf16; the base carries the picture itself and must stay in fp32. The colour conversion costs
nothing: it is folded into the weights of the network's first convolutions. These then see whole
grey levels, which bf16 holds exactly up to 256, where luma in [0, 1] would be rounded to about half
a level. Of 16-bit levels they see the high and the low byte as two planes, for the same reason.
"""

from __future__ import annotations

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset14 as op

from crispen.engines import _blocks
from crispen.engines._eight_bits import rounded_levels
from crispen.engines._nodes import (
    Window,
    convolve,
    floats,
    integers,
    phases,
    plain_kernel,
    planes,
    repeated,
    stepping,
)
from crispen.engines.base import View
from crispen.errors import ModelError
from crispen.models.card import ModelCard

RESIDUAL = "residual"


def _residual(model: ov.Model) -> ov.Output | None:
    for node in model.get_ops():
        for output in node.outputs():
            if RESIDUAL in output.get_names():
                return output
    return None


def _foldable_kernel(node: ov.Node, columns: int) -> NDArray[np.float64] | None:
    """The kernel of a convolution that `_fold_color` can replace, or None.

    Args:
        node: Any node.
        columns: Of its input; a stride must divide them.
    """
    kernel = plain_kernel(node)
    if kernel is None:
        return None
    how = node.get_attributes()
    step = how["strides"][1]
    padded = columns + how["pads_begin"][1] + how["pads_end"][1]
    return kernel if kernel.shape[3] % step == padded % step == 0 else None


def _fold_color(
    node: ov.Node,
    kernel: NDArray[np.float64],
    parts: list[tuple[ov.Node, float]],
    view: View,
    eight_bits: bool,
) -> ov.Output:
    """Replace a convolution of the network's input by one of the parts of grey levels."""
    matrix, offset = view.matrix, view.offset
    how = node.get_attributes()
    begin, end = list(how["pads_begin"]), list(how["pads_end"])
    step = int(how["strides"][0])
    mixed = np.einsum("oikl,ic->ockl", kernel, matrix)
    levels = [part for part, _ in parts]
    if offset or step > 1:
        # The network pads with 0; of luma that is darker than black, and a level below 0.
        around = integers(0, *begin, 0), integers(0, *end, 0)
        level = -offset / matrix[0].sum() / sum(unit for _, unit in parts)
        levels = [op.pad(part, *around, "constant", floats(level)) for part in levels]
        begin = end = [0, 0]
    # Other views' weights are sums, and would have to be rounded as the sums of the same weights.
    eight_bits = eight_bits and len(parts) == 1 and matrix.shape == (1, 1)
    if eight_bits:
        levels = [rounded_levels(levels[0])]
    levels = [repeated(part, matrix.shape[1]) for part in levels]
    stacked = levels[0] if len(levels) == 1 else op.concat(levels, 3)
    mixed = np.concatenate([unit * mixed for _, unit in parts], axis=1)
    if step > 1:
        answer = stepping(stacked, mixed, step, eight_bits)
    else:
        answer = convolve(planes(stacked), mixed, begin, end, rounded=eight_bits)
    if offset:
        answer = op.add(answer, floats(offset * kernel.sum(axis=(1, 2, 3)).reshape(1, -1, 1, 1)))
    for target in node.output(0).get_target_inputs():
        target.replace_source_output(answer.output(0))
    return answer.output(0)


def values_per_px(model: ov.Model, card: ModelCard) -> float:
    """The largest number of values that one layer reads and writes per input pixel.

    Args:
        model: The network; it is reshaped.
        card: Its card.
    """
    side = card.window_px or 16 * card.multiple
    model.reshape([1, 1 if card.color == "luma" else 3, side, side])
    most = 0
    for node in model.get_ops():
        values = [source.get_shape() for source in node.outputs()]
        values += [
            source.get_source_output().get_shape()
            for source in node.inputs()
            if source.get_source_output().get_node().get_type_name() != "Constant"
        ]
        most = max(most, sum(int(np.prod(list(shape))) for shape in values))
    return most / side**2


def network_graph(
    model: ov.Model,
    card: ModelCard,
    window: Window,
    kind: ov.Type = ov.Type.f32,
    eight_bits: bool = False,
) -> ov.Model:
    """Pixels → residual ``(height, width, net channels · scale²)`` of a `kind`; `model` is used up.

    If the network returns a picture instead, its bicubic base is subtracted, so that the paint
    is the same for all.
    """
    scale = card.scale
    inputs, outputs = model.inputs, model.outputs
    if len(inputs) != 1 or len(outputs) < 1:
        raise ModelError(f"{card.name}: has {len(inputs)} inputs; a model needs exactly one")
    pixels = window.parameter()
    view = window.view(card)
    net_channels = len(view.matrix)
    # A 1×1 convolution; what `_fold_color` cannot fold starts from it.
    values = op.add(
        convolve(
            planes(repeated(window.levels(pixels), view.matrix.shape[1])),
            view.matrix[:, :, None, None],
            [0, 0],
            [0, 0],
        ),
        floats(view.offset),
    )
    cut = _residual(model) if card.base == "bicubic" else None
    if cut is None and card.base == "bicubic":
        raise ModelError(
            f"{card.name}: its card says base 'bicubic', but no tensor is called '{RESIDUAL}'; "
            "export it again with 'crispen export'"
        )
    stored = inputs[0].get_element_type()
    if stored != ov.Type.f32:  # a network stored in half precision
        values = op.convert(values, stored)
    for target in list(inputs[0].get_target_inputs()):
        node = target.get_node()
        kernel = _foldable_kernel(node, window.width) if cut is not None else None
        if kernel is None:
            target.replace_source_output(values.output(0))
        else:
            folded = _fold_color(node, kernel, window.parts(pixels), view, eight_bits)
            if cut is not None and node.get_friendly_name() == cut.get_node().get_friendly_name():
                cut = folded  # a network of one layer
    if cut is None:
        picture = op.convert(outputs[0].get_node().input_value(0), ov.Type.f32)
        blocks = op.space_to_depth(picture, "depth_first", scale) if scale > 1 else picture
        base = op.reshape(
            phases(op.transpose(values, integers(0, 2, 3, 1)), scale, net_channels),
            integers(1, scale * scale, net_channels, *window.shape[:2]),
            False,
        )
        base = op.reshape(
            op.transpose(base, integers(0, 2, 1, 3, 4)),
            integers(1, net_channels * scale * scale, *window.shape[:2]),
            False,
        )
        answer = op.subtract(blocks, base)
    else:
        answer = op.convert(cut, kind)
    last = op.transpose(answer, integers(0, 2, 3, 1))
    return ov.Model([op.result(last)], [pixels], "network")


def in_blocks(model: ov.Model, card: ModelCard, window: Window) -> ov.Model | None:
    """The model with a residual in blocks (`crispen.engines._blocks`), if it and the window can.

    In int8 and of 8-bit pixels alone, whose sums are exact: results of others would depend on
    whether a window's sides are even.
    """
    block = _blocks.BLOCK
    if (card.color, card.scale, card.base) != ("luma", _blocks.SCALE, "bicubic"):
        return None
    if window.channels > 1 or window.dtype != "uint8":
        return None
    if window.height % block or window.width % block:
        return None
    residual = _residual(model)
    return residual and _blocks.blocked(residual, model.get_parameters(), RESIDUAL)
