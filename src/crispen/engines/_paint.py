"""The second of the two OpenVINO graphs that make a window: base and residual to pixels."""

from __future__ import annotations

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset14 as op

from crispen.engines import _blocks
from crispen.engines._nodes import Window, convolve, floats, integers, phases, planes, stepping
from crispen.engines.base import COLOR_GAIN, LUMA
from crispen.media.resample import bicubic_phases
from crispen.models.card import ModelCard


def _mixed(residual: ov.Node, matrix: NDArray[np.floating], scale: int) -> ov.Node:
    """``(1, scale² · n, h, w)``, channels innermost, of a residual with its phases innermost.

    Args:
        residual: ``(1, channels · scale², h, w)``.
        matrix: ``(n, channels)``, to apply to the channels.
        scale: Of the network.
    """
    kernel = np.einsum("nc,pq->pncq", matrix, np.eye(scale * scale))
    kernel = kernel.reshape(-1, matrix.shape[1] * scale * scale, 1, 1)
    return convolve(residual, kernel, [0, 0], [0, 0])


def _rgb_added(residual: ov.Node, limit: ov.Node | None, unit: float, scale: int) -> ov.Node:
    """``(1, scale² · channels, h, w)`` in levels of a residual in R'G'B'.

    Args:
        residual: ``(1, h, w, 3 · scale²)``.
        limit: ``(1, 1, h, w)``, how much of it may be colour; None for grey pixels.
        unit: What 1.0 of the residual is in levels.
        scale: Of the network.
    """
    added = planes(residual)
    if limit is None:
        return _mixed(added, unit * LUMA[None], scale)
    grey = _mixed(added, np.tile(unit * LUMA, (3, 1)), scale)
    answer = _mixed(added, unit * np.eye(3), scale)
    color = op.subtract(answer, grey)
    held = op.minimum(op.maximum(color, op.negative(limit)), limit)
    return op.select(op.less_equal(op.abs(color), limit), answer, op.add(grey, held))


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
    around = integers(0, 2, 2, 0)
    padded = op.convert(op.pad(window.batch(pixels), around, around, "edge"), ov.Type.f32)
    kernel = _blocks.spread_kernels(bicubic_phases(_blocks.SCALE).reshape(-1, 1, 5, 5))
    base = stepping(padded, kernel, _blocks.BLOCK)
    added = op.multiply(op.convert(planes(residual), ov.Type.f32), floats(window.view(card).unit))
    levels = op.transpose(window.whole(op.add(base, added)), integers(0, 2, 3, 1))
    answer = op.reshape(levels, integers(*shape, values), False)
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
    base = phases(window.batch(pixels), scale, channels)
    if net_channels == 1:
        added = op.multiply(residual, floats(unit))
        shape = integers(height, width, scale * scale, 1)
        base = op.transpose(base, integers(0, 2, 3, 1))
        base = op.reshape(base, integers(height, width, scale * scale, channels), False)
        levels = window.whole(op.add(base, op.reshape(added, shape, False)))
    else:
        limit = None
        if channels == 3:
            near = op.parameter([height, width], window.type, "near")
            inputs.append(near)
            limit = op.reshape(near, integers(1, 1, height, width), False)
            limit = op.multiply(op.convert(limit, ov.Type.f32), floats(COLOR_GAIN))
        added = _rgb_added(residual, limit, unit, scale)
        levels = op.transpose(window.whole(op.add(base, added)), integers(0, 2, 3, 1))
    # Shuffled as whole numbers: a quarter of the memory of floats.
    rows = op.reshape(levels, integers(height, width, scale, scale * channels), False)
    rows = op.transpose(rows, integers(0, 2, 1, 3))
    answer = op.reshape(rows, integers(height * scale, width * scale, channels), False)
    return ov.Model([op.result(answer)], inputs, "paint")
