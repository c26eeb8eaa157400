"""Parts of OpenVINO graphs: the window they are made for, and the operations they share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset14 as op

from crispen.engines._eight_bits import rounded_weights
from crispen.engines.base import View, view_of
from crispen.media.resample import bicubic_phases
from crispen.models.card import ModelCard


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
        return op.reshape(pixels, integers(1, *self.shape), False)

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


def integers(*values: int) -> ov.Node:
    return op.constant(np.array(values, np.int64))


def floats(values: NDArray[np.floating] | float) -> ov.Node:
    return op.constant(np.asarray(values, np.float32, order="C"))


def convolve(
    x: ov.Node | ov.Output,
    kernel: NDArray[np.floating],
    begin: list[int],
    end: list[int],
    strides: tuple[int, int] = (1, 1),
    rounded: bool = False,
) -> ov.Node:
    weights = floats(kernel)
    if rounded:
        weights = rounded_weights(weights.output(0)).get_node()
    return op.convolution(x, weights, list(strides), begin, end, [1, 1])


def fold_columns(kernel: NDArray[np.floating], step: int) -> NDArray[np.floating]:
    """The kernel for an input whose `step` adjacent columns are channels.

    Args:
        kernel: ``(outputs, inputs, rows, columns)``, for a convolution with that stride;
            `step` divides ``columns``.
        step: Columns per channel group.

    Returns:
        ``(outputs, step · inputs, rows, columns / step)``, columns outermost in the channels.
    """
    outputs, inputs, rows, columns = kernel.shape
    split = kernel.reshape(outputs, inputs, rows, columns // step, step)
    folded: NDArray[np.floating] = split.transpose(0, 4, 1, 2, 3)
    return folded.reshape(outputs, step * inputs, rows, columns // step)


def stepping(
    levels: ov.Node, kernel: NDArray[np.floating], step: int, rounded: bool = False
) -> ov.Node:
    """A convolution with that stride of ``(1, h, w, channels)``.

    Adjacent columns become channels, which moves nothing: a CPU multiplies bf16 in pairs of
    channels, and a single channel would waste half of it.
    """
    _, height, width, channels = levels.get_output_shape(0)
    pairs = op.reshape(levels, integers(1, height, width // step, step * channels), False)
    folded = fold_columns(kernel, step)
    return convolve(planes(pairs), folded, [0, 0], [0, 0], (step, 1), rounded)


def planes(levels: ov.Node) -> ov.Node:
    """``(1, channels, h, w)`` of ``(1, h, w, channels)``.

    Right before a convolution it costs nothing; anything between the two, such as padding, makes
    OpenVINO move all of it twice.
    """
    return op.transpose(levels, integers(0, 3, 1, 2))


def repeated(levels: ov.Node, channels: int) -> ov.Node:
    """``(1, h, w, channels)`` of that or of ``(1, h, w, 1)``."""
    copies = channels // int(levels.get_output_shape(0)[3])
    return op.concat([levels] * copies, 3) if copies > 1 else levels


def phases(levels: ov.Node, scale: int, channels: int) -> ov.Node:
    """``(1, scale² · channels, h, w)`` in fp32 of ``(1, h, w, channels)``, channels innermost."""
    if scale == 1:
        return planes(op.convert(levels, ov.Type.f32))
    kernel = np.zeros((scale * scale, channels, channels, 5, 5), np.float32)
    for channel in range(channels):
        kernel[:, channel, channel] = bicubic_phases(scale)
    around = integers(0, 2, 2, 0)
    padded = op.convert(op.pad(levels, around, around, "edge"), ov.Type.f32)
    return convolve(planes(padded), kernel.reshape(-1, channels, 5, 5), [0, 0], [0, 0])


def plain_kernel(node: ov.Node) -> NDArray[np.float64] | None:
    """The constant kernel of a convolution of one stride and without dilation, or None."""
    if node.get_type_name() != "Convolution":
        return None
    how = node.get_attributes()
    weights = node.input_value(1).get_node()
    if weights.get_type_name() != "Constant" or how["auto_pad"] != "explicit":
        return None
    rows, columns = how["strides"]
    if rows != columns or list(how["dilations"]) != [1, 1]:
        return None
    kernel: NDArray[np.float64] = weights.data.astype(np.float64)
    return kernel
