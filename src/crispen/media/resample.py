"""Separable resampling: nearest, bilinear, bicubic, Lanczos, as MATLAB's ``imresize`` does it.

Every method here is a pair of small sparse matrices, one for the rows and one for the columns.
`Taps` holds such a matrix as indices and weights, so that NumPy, PyTorch and the tests use the
same numbers.

The bicubic kernel is Keys' with a = -0.5 [1]_. Shrinking stretches the kernel by the factor
(antialiasing); samples outside the picture repeat its edge. With `round_between` the rows are
rounded to whole grey levels before the columns are computed, as the MATLAB of the literature did;
this reproduces the LR files of Set5 and Set14 bit for bit.

.. [1] R. Keys, "Cubic convolution interpolation for digital image processing", 1981,
   doi:10.1109/TASSP.1981.1163711
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Method = Literal["nearest", "bilinear", "bicubic", "lanczos"]
FloatArray = NDArray[np.float64]


def _nearest(x: FloatArray) -> FloatArray:
    return ((x >= -0.5) & (x < 0.5)).astype(np.float64)


def _bilinear(x: FloatArray) -> FloatArray:
    return np.maximum(0.0, 1.0 - np.abs(x))


def _bicubic(x: FloatArray) -> FloatArray:
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return np.where(x <= 1.0, near, np.where(x <= 2.0, far, 0.0))


def _lanczos(x: FloatArray) -> FloatArray:
    return np.where(np.abs(x) < 3.0, np.sinc(x) * np.sinc(x / 3.0), 0.0)


_KERNELS: dict[str, tuple[Callable[[FloatArray], FloatArray], float]] = {
    "nearest": (_nearest, 0.5),
    "bilinear": (_bilinear, 1.0),
    "bicubic": (_bicubic, 2.0),
    "lanczos": (_lanczos, 3.0),
}


@dataclass(frozen=True, slots=True)
class Taps:
    """One axis of a resampling: output sample ``i`` is ``sum_k weights[i, k] * x[indices[i, k]]``.

    Attributes:
        indices: ``(n_out, taps)`` integers in ``[0, n_in)``; the edge pixel is repeated.
        weights: ``(n_out, taps)`` float64, each row sums to 1.
    """

    indices: NDArray[np.intp]
    weights: FloatArray

    def matrix(self, n_in: int) -> FloatArray:
        """The same as a dense ``(n_out, n_in)`` matrix."""
        dense = np.zeros((len(self.indices), n_in))
        rows = np.arange(len(self.indices))[:, None]
        np.add.at(dense, (np.broadcast_to(rows, self.indices.shape), self.indices), self.weights)
        return dense


def taps(
    n_in: int,
    n_out: int,
    *,
    method: Method = "bicubic",
    factor: float | Fraction | None = None,
    antialias: bool = True,
    start: int = 0,
    stop: int | None = None,
) -> Taps:
    """The weights that turn `n_in` samples into `n_out`.

    Args:
        n_in: Length of the input axis.
        n_out: Length of the output axis.
        method: The kernel.
        factor: Output samples per input sample; ``n_out / n_in`` by default. Give it if the
            length was rounded, as in ``imresize(x, 1/3)``.
        antialias: Stretch the kernel when shrinking (``nearest`` never does).
        start: First output sample to compute, so that a band of a picture can be made alone.
        stop: One past the last output sample to compute; `n_out` by default.
    """
    kernel, radius = _KERNELS[method]
    scale = float(factor) if factor is not None else n_out / n_in
    stretch = max(1.0, 1.0 / scale) if antialias and method != "nearest" else 1.0
    centre = (np.arange(start, n_out if stop is None else stop) + 0.5) / scale - 0.5
    support = radius * stretch
    first = np.floor(centre - support).astype(np.intp) + (0 if method == "nearest" else 1)
    count = int(np.ceil(2 * support)) + (2 if method == "nearest" else 0)
    indices = first[:, None] + np.arange(count)
    weights = kernel((centre[:, None] - indices) / stretch)
    weights /= weights.sum(axis=1, keepdims=True)
    return Taps(np.clip(indices, 0, n_in - 1), weights)


def _apply(x: NDArray[np.floating], t: Taps, axis: int) -> NDArray[np.floating]:
    x = np.moveaxis(x, axis, 0)
    out = np.zeros((len(t.indices), *x.shape[1:]), x.dtype)
    column = (slice(None),) + (None,) * (x.ndim - 1)
    for k in range(t.indices.shape[1]):
        out += x[t.indices[:, k]] * t.weights[:, k].astype(x.dtype)[column]
    return np.moveaxis(out, 0, axis)


def bicubic_phases(scale: int) -> NDArray[np.float64]:
    """``(scale², 5, 5)``: the kernels of all sub-pixels for Keys' bicubic, row by row."""
    middle = 4
    size = 2 * middle + 1
    axis = taps(size, size * scale, factor=float(scale)).matrix(size)
    phases = axis[middle * scale : (middle + 1) * scale, middle - 2 : middle + 3]
    plane: NDArray[np.float64] = np.einsum("iy,jx->ijyx", phases, phases)
    return plane.reshape(scale * scale, 5, 5)


def round_half_up(x: NDArray[np.floating], limit: float) -> NDArray[np.floating]:
    """Whole numbers in ``[0, limit]``, halves upwards, as MATLAB converts to unsigned integers."""
    levels: NDArray[np.floating] = np.clip(np.floor(x + 0.5), 0, limit)
    return levels


def resize(
    pixels: NDArray[np.generic],
    height: int,
    width: int,
    *,
    method: Method = "bicubic",
    factor: float | Fraction | None = None,
    round_between: bool = False,
) -> NDArray[np.generic]:
    """`pixels` at a new size.

    Args:
        pixels: ``(height, width)`` or ``(height, width, channels)``; ``uint8``, ``uint16`` or
            float.
        height: New number of rows.
        width: New number of columns.
        method: The kernel.
        factor: See `taps`.
        round_between: Round between the two passes: with integers and ``bicubic`` this equals, bit
            for bit, the ``imresize`` that made the literature's LR pictures.

    Returns:
        The same dtype; integers are rounded half up and clipped to their range.

    >>> resize(np.array([[0, 100]], np.uint8), 1, 4, method="bilinear")
    array([[  0,  25,  75, 100]], dtype=uint8)
    """
    integer = pixels.dtype.kind == "u"
    x = pixels.astype(np.float64 if integer else pixels.dtype)
    limit = float(256**pixels.dtype.itemsize - 1) if integer else 1.0
    x = _apply(x, taps(x.shape[0], height, method=method, factor=factor), 0)
    if round_between:
        x = round_half_up(x, limit)
    x = _apply(x, taps(x.shape[1], width, method=method, factor=factor), 1)
    return round_half_up(x, limit).astype(pixels.dtype) if integer else x


def downscale(pixels: NDArray[np.generic], scale: int) -> NDArray[np.generic]:
    """LR from HR: ``imresize(hr, 1/scale, 'bicubic')`` on whole grey levels, bit for bit.

    Args:
        pixels: ``(height, width[, channels])`` ``uint8``; sides are rounded up to whole LR pixels.
        scale: How many times smaller.
    """
    height, width = (-(-n // scale) for n in pixels.shape[:2])
    return resize(pixels, height, width, factor=1.0 / scale, round_between=True)
