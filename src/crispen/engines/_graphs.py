"""The two OpenVINO graphs that make a window: the network, and the paint.

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

from dataclasses import dataclass

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset14 as op

from crispen.engines import _blocks
from crispen.engines.base import COLOR_GAIN, LUMA, View, view_of
from crispen.errors import ModelError
from crispen.media.resample import bicubic_phases
from crispen.models.card import ModelCard

RESIDUAL = "residual"


@dataclass(frozen=True, slots=True)
class Window:
    """What a compiled graph depends on.

    Attributes:
        height: Rows in.
        width: Columns in.
        channels: 1 or 3.
        dtype: ``uint8`` or ``uint16``.
        peak: The largest level.
        studio: One channel is studio-range Y'; see `crispen.engines.base.Engine.run`.
    """

    height: int
    width: int
    channels: int
    dtype: str
    peak: int
    studio: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(height, width, channels)``."""
        return self.height, self.width, self.channels

    @property
    def type(self) -> ov.Type:
        return ov.Type.u8 if self.dtype == "uint8" else ov.Type.u16

    def view(self, card: ModelCard) -> View:
        """The network's view of these pixels."""
        return view_of(card.color, self.peak, studio=self.studio)

    def parameter(self) -> ov.Node:
        """The input pixels."""
        return op.parameter(list(self.shape), self.type, "pixels")

    def batch(self, pixels: ov.Node) -> ov.Node:
        """``(1, height, width, channels)``, of the pixels' type."""
        return op.reshape(pixels, _integers(1, *self.shape), False)

    def levels(self, pixels: ov.Node) -> ov.Node:
        """`batch` as fp32."""
        return op.convert(self.batch(pixels), ov.Type.f32)

    def parts(self, pixels: ov.Node) -> list[tuple[ov.Node, float]]:
        """`levels` as parts that bf16 holds exactly, each with the size of its unit in levels."""
        if self.dtype == "uint8":
            return [(self.levels(pixels), 1.0)]
        levels = op.convert(pixels, ov.Type.i32)
        byte = op.constant(np.int32(256))
        high = op.divide(levels, byte)
        low = op.subtract(levels, op.multiply(high, byte))
        return [(self.levels(high), 256.0), (self.levels(low), 1.0)]

    def whole(self, levels: ov.Node) -> ov.Node:
        """Clipped, rounded, and of the pixels' type."""
        clipped = op.clamp(levels, 0.0, float(self.peak))
        return op.convert(op.round(clipped, "half_to_even"), self.type)


def _integers(*values: int) -> ov.Node:
    return op.constant(np.array(values, np.int64))


def _floats(values: NDArray[np.floating] | float) -> ov.Node:
    return op.constant(np.asarray(values, np.float32, order="C"))


def _convolve(
    x: ov.Node, kernel: NDArray[np.floating], begin: list[int], end: list[int]
) -> ov.Node:
    return op.convolution(x, _floats(kernel), [1, 1], begin, end, [1, 1])


def _stepping(levels: ov.Node, kernel: NDArray[np.floating], step: int) -> ov.Node:
    """A convolution with that stride of ``(1, h, w, channels)``.

    Adjacent columns become channels, which moves nothing: a CPU multiplies bf16 in pairs of
    channels, and a single channel would waste half of it.
    """
    _, height, width, channels = levels.get_output_shape(0)
    pairs = op.reshape(levels, _integers(1, height, width // step, step * channels), False)
    folded = _floats(_blocks.fold_columns(kernel, step))
    return op.convolution(_planes(pairs), folded, [step, 1], [0, 0], [0, 0], [1, 1])


def _planes(levels: ov.Node) -> ov.Node:
    """``(1, channels, h, w)`` of ``(1, h, w, channels)``.

    Right before a convolution it costs nothing; anything between the two, such as padding, makes
    OpenVINO move all of it twice.
    """
    return op.transpose(levels, _integers(0, 3, 1, 2))


def _repeated(levels: ov.Node, channels: int) -> ov.Node:
    """``(1, h, w, channels)`` of that or of ``(1, h, w, 1)``."""
    copies = channels // int(levels.get_output_shape(0)[3])
    return op.concat([levels] * copies, 3) if copies > 1 else levels


def _phases(levels: ov.Node, scale: int, channels: int) -> ov.Node:
    """``(1, scale² · channels, h, w)`` in fp32 of ``(1, h, w, channels)``, channels innermost."""
    if scale == 1:
        return _planes(op.convert(levels, ov.Type.f32))
    kernel = np.zeros((scale * scale, channels, channels, 5, 5), np.float32)
    for channel in range(channels):
        kernel[:, channel, channel] = bicubic_phases(scale)
    around = _integers(0, 2, 2, 0)
    padded = op.convert(op.pad(levels, around, around, "edge"), ov.Type.f32)
    return _convolve(_planes(padded), kernel.reshape(-1, channels, 5, 5), [0, 0], [0, 0])


def _residual(model: ov.Model) -> ov.Output | None:
    for node in model.get_ops():
        for output in node.outputs():
            if RESIDUAL in output.get_names():
                return output
    return None


def _plain_kernel(node: ov.Node, columns: int) -> NDArray[np.float64] | None:
    """The kernel of a convolution without dilation, or None.

    Args:
        node: Any node.
        columns: Of its input; a stride must divide them.
    """
    if node.get_type_name() != "Convolution":
        return None
    how = node.get_attributes()
    weights = node.input_value(1).get_node()
    if weights.get_type_name() != "Constant" or how["auto_pad"] != "explicit":
        return None
    rows, step = how["strides"]
    if rows != step or list(how["dilations"]) != [1, 1]:
        return None
    kernel: NDArray[np.float64] = weights.data.astype(np.float64)
    padded = columns + how["pads_begin"][1] + how["pads_end"][1]
    return kernel if kernel.shape[3] % step == padded % step == 0 else None


def _fold_color(
    node: ov.Node,
    kernel: NDArray[np.float64],
    parts: list[tuple[ov.Node, float]],
    view: View,
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
        around = _integers(0, *begin, 0), _integers(0, *end, 0)
        level = -offset / matrix[0].sum() / sum(unit for _, unit in parts)
        levels = [op.pad(part, *around, "constant", _floats(level)) for part in levels]
        begin = end = [0, 0]
    levels = [_repeated(part, matrix.shape[1]) for part in levels]
    stacked = levels[0] if len(levels) == 1 else op.concat(levels, 3)
    mixed = np.concatenate([unit * mixed for _, unit in parts], axis=1)
    if step > 1:
        answer = _stepping(stacked, mixed, step)
    else:
        answer = _convolve(_planes(stacked), mixed, begin, end)
    if offset:
        answer = op.add(answer, _floats(offset * kernel.sum(axis=(1, 2, 3)).reshape(1, -1, 1, 1)))
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
    model: ov.Model, card: ModelCard, window: Window, kind: ov.Type = ov.Type.f32
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
        _convolve(
            _planes(_repeated(window.levels(pixels), view.matrix.shape[1])),
            view.matrix[:, :, None, None],
            [0, 0],
            [0, 0],
        ),
        _floats(view.offset),
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
        kernel = _plain_kernel(node, window.width) if cut is not None else None
        if kernel is None:
            target.replace_source_output(values.output(0))
        else:
            folded = _fold_color(node, kernel, window.parts(pixels), view)
            if cut is not None and node.get_friendly_name() == cut.get_node().get_friendly_name():
                cut = folded  # a network of one layer
    if cut is None:
        picture = op.convert(outputs[0].get_node().input_value(0), ov.Type.f32)
        blocks = op.space_to_depth(picture, "depth_first", scale) if scale > 1 else picture
        base = op.reshape(
            _phases(op.transpose(values, _integers(0, 2, 3, 1)), scale, net_channels),
            _integers(1, scale * scale, net_channels, *window.shape[:2]),
            False,
        )
        base = op.reshape(
            op.transpose(base, _integers(0, 2, 1, 3, 4)),
            _integers(1, net_channels * scale * scale, *window.shape[:2]),
            False,
        )
        answer = op.subtract(blocks, base)
    else:
        answer = op.convert(cut, kind)
    last = op.transpose(answer, _integers(0, 2, 3, 1))
    return ov.Model([op.result(last)], [pixels], "network")


def _mixed(planes: ov.Node, matrix: NDArray[np.floating], scale: int) -> ov.Node:
    """``(1, scale² · n, h, w)``, channels innermost, of a residual with its phases innermost.

    Args:
        planes: ``(1, channels · scale², h, w)``.
        matrix: ``(n, channels)``, to apply to the channels.
        scale: Of the network.
    """
    kernel = np.einsum("nc,pq->pncq", matrix, np.eye(scale * scale))
    kernel = kernel.reshape(-1, matrix.shape[1] * scale * scale, 1, 1)
    return _convolve(planes, kernel, [0, 0], [0, 0])


def _rgb_added(residual: ov.Node, limit: ov.Node | None, unit: float, scale: int) -> ov.Node:
    """``(1, scale² · channels, h, w)`` in levels of a residual in R'G'B'.

    Args:
        residual: ``(1, h, w, 3 · scale²)``.
        limit: ``(1, 1, h, w)``, how much of it may be colour; None for grey pixels.
        unit: What 1.0 of the residual is in levels.
        scale: Of the network.
    """
    planes = _planes(residual)
    if limit is None:
        return _mixed(planes, unit * LUMA[None], scale)
    grey = _mixed(planes, np.tile(unit * LUMA, (3, 1)), scale)
    answer = _mixed(planes, unit * np.eye(3), scale)
    color = op.subtract(answer, grey)
    held = op.minimum(op.maximum(color, op.negative(limit)), limit)
    return op.select(op.less_equal(op.abs(color), limit), answer, op.add(grey, held))


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


def block_paint_graph(card: ModelCard, window: Window, kind: ov.Type) -> ov.Model:
    """Pixels and residual → pixels in blocks ``(height / 2, width / 2, 16)``; see `in_blocks`.

    Args:
        card: The network's card.
        window: Of even sides.
        kind: The residual's; bf16 is what a network in bf16 or int8 computes anyway.
    """
    pixels = window.parameter()
    shape = window.height // _blocks.BLOCK, window.width // _blocks.BLOCK
    values = (_blocks.BLOCK * _blocks.SCALE) ** 2
    residual = op.parameter([1, *shape, values], kind, "residual")
    around = _integers(0, 2, 2, 0)
    padded = op.convert(op.pad(window.batch(pixels), around, around, "edge"), ov.Type.f32)
    phases = bicubic_phases(_blocks.SCALE).reshape(-1, 1, 5, 5)
    base = _stepping(padded, _blocks.spread_kernels(phases), _blocks.BLOCK)
    added = op.multiply(op.convert(_planes(residual), ov.Type.f32), _floats(window.view(card).unit))
    levels = op.transpose(window.whole(op.add(base, added)), _integers(0, 2, 3, 1))
    answer = op.reshape(levels, _integers(*shape, values), False)
    return ov.Model([op.result(answer)], [pixels, residual], "paint")


def paint_graph(card: ModelCard, window: Window) -> ov.Model:
    """Pixels and residual → pixels ``(scale · height, scale · width, channels)``.

    Where a network adds colour, a third input ``(height, width)``, of the pixels' type, is the
    largest difference between channels near each pixel; see `crispen.engines.base.color_near`.
    """
    scale, channels = card.scale, window.channels
    height, width, _ = window.shape
    net_channels = 1 if card.color == "luma" else 3
    pixels = window.parameter()
    residual = op.parameter(
        [1, height, width, net_channels * scale * scale], ov.Type.f32, "residual"
    )
    inputs = [pixels, residual]
    unit = window.view(card).unit
    base = _phases(window.batch(pixels), scale, channels)
    if net_channels == 1:
        added = op.multiply(residual, _floats(unit))
        shape = _integers(height, width, scale * scale, 1)
        base = op.transpose(base, _integers(0, 2, 3, 1))
        base = op.reshape(base, _integers(height, width, scale * scale, channels), False)
        levels = window.whole(op.add(base, op.reshape(added, shape, False)))
    else:
        limit = None
        if channels == 3:
            near = op.parameter([height, width], window.type, "near")
            inputs.append(near)
            limit = op.reshape(near, _integers(1, 1, height, width), False)
            limit = op.multiply(op.convert(limit, ov.Type.f32), _floats(COLOR_GAIN))
        added = _rgb_added(residual, limit, unit, scale)
        levels = op.transpose(window.whole(op.add(base, added)), _integers(0, 2, 3, 1))
    # Shuffled as whole numbers: a quarter of the memory of floats.
    rows = op.reshape(levels, _integers(height, width, scale, scale * channels), False)
    rows = op.transpose(rows, _integers(0, 2, 1, 3))
    answer = op.reshape(rows, _integers(height * scale, width * scale, channels), False)
    return ov.Model([op.result(answer)], inputs, "paint")
