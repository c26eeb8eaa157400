"""Pixels in blocks of 2×2, for luma networks that double a picture.

Such a network ends in a convolution with 4 outputs per pixel, and so does its bicubic base; a CPU
computes 16 in the same time. Both therefore make the 4×4 results of 2×2 pixels at once, as one
convolution with stride 2 whose kernels are those of the pixels, each moved to its place::

    (1, 16, h/2, w/2), the 16 being the rows and columns of a block of 4×4

The sums are the same ones, so int8 results are the same to the last bit. A network that folds its
picture into blocks anyway gets them by another order of its last kernels, and unfolds nothing.
"""

from __future__ import annotations

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset14 as op

from crispen.engines._nodes import convolve, plain_kernel

BLOCK = 2
SCALE = 2


def spread_kernels(kernel: NDArray[np.floating]) -> NDArray[np.floating]:
    """The kernels of a block of those of a pixel.

    Args:
        kernel: ``(SCALE², inputs, rows, columns)``: the results of one pixel.

    Returns:
        ``((BLOCK · SCALE)², inputs, rows + 1, columns + 1)``, for stride `BLOCK`.
    """
    _, inputs, rows, columns = kernel.shape
    shape = (BLOCK, SCALE, BLOCK, SCALE, inputs, rows + BLOCK - 1, columns + BLOCK - 1)
    block = np.zeros(shape, kernel.dtype)
    phases = kernel.reshape(SCALE, SCALE, inputs, rows, columns)
    for row in range(BLOCK):
        for column in range(BLOCK):
            block[row, :, column, :, :, row : row + rows, column : column + columns] = phases
    return block.reshape(-1, *shape[4:])


def _order() -> NDArray[np.int64]:
    """Where each result of a block stands among the results of its pixels, by pixel's phase."""
    phases = np.arange(SCALE * SCALE).reshape(1, SCALE, 1, SCALE)
    return np.broadcast_to(phases, (BLOCK, SCALE, BLOCK, SCALE)).reshape(-1)


def _folded_order() -> NDArray[np.int64]:
    """The same in a network that unfolds its last channels (``pixel_shuffle``)."""
    pixels = np.arange(BLOCK * BLOCK).reshape(BLOCK, 1, BLOCK, 1)
    return _order() * BLOCK * BLOCK + np.broadcast_to(pixels, (BLOCK, SCALE, BLOCK, SCALE)).reshape(
        -1
    )


def blocked(residual: ov.Output, parameters: list[ov.op.Parameter], name: str) -> ov.Model | None:
    """A model that ends in the residual of whole blocks.

    Args:
        residual: ``(1, SCALE², h, w)``; ``h`` and ``w`` must be even when it runs.
        parameters: Of its model, which the new one shares.
        name: Of the tensor that the model returns.

    Returns:
        None if the residual is not the result of one convolution.
    """
    last = residual.get_node()
    folded = last.get_type_name() == "DepthToSpace"
    if folded:
        how = last.get_attributes()
        if how["block_size"] != BLOCK or how["mode"] != "depth_first":
            return None
        last = last.input_value(0).get_node()
    if last.get_type_name() != "Add":
        return None
    layer, bias = last.input_value(0).get_node(), last.input_value(1)
    kernel = plain_kernel(layer)
    if kernel is None:
        return None
    how = layer.get_attributes()
    if list(how["strides"]) != [1, 1]:
        return None
    begin, end = list(how["pads_begin"]), list(how["pads_end"])
    if len(kernel) != SCALE * SCALE * (BLOCK * BLOCK if folded else 1):
        return None
    if [a + b + 1 for a, b in zip(begin, end, strict=True)] != list(kernel.shape[2:]):
        return None  # its results are fewer than its pixels
    order = _folded_order() if folded else _order()
    step = 1 if folded else BLOCK
    kernels = kernel[order] if folded else spread_kernels(kernel)
    planes = convolve(layer.input_value(0), kernels, begin, end, (step, step))
    answer = op.add(planes, op.gather(bias, op.constant(order), op.constant(np.int64(1))))
    answer.output(0).set_names({name})
    # A result would stay attached to the residual itself in graphs that are made of it.
    return ov.Model([op.result(op.relu(answer))], parameters, "blocked")


def unfold(blocks: NDArray[np.unsignedinteger], answer: NDArray[np.unsignedinteger]) -> None:
    """Write blocks to their places.

    Args:
        blocks: ``(h, w, 16)``.
        answer: ``(4 · h, 4 · w, 1)``, the same dtype; written.
    """
    height, width, _ = blocks.shape
    side = BLOCK * SCALE
    # Four pixels are moved as one number.
    group = np.dtype(f"u{side * blocks.itemsize}")
    rows = blocks.view(group)
    answer.reshape(height, side, width * side).view(group)[...] = rows.transpose(0, 2, 1)
