"""The matrices of `crispen.media.resample`, applied to batches on any device."""

from __future__ import annotations

import functools
from fractions import Fraction
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from crispen.media.resample import Method, Taps, taps

Kernel = Literal["area", "nearest", "bilinear", "bicubic", "lanczos"]

# Up to this length one dense product is faster than gathering; above it, wasteful.
_DENSE_PX = 768


def axis_taps(
    n_in: int, n_out: int, kernel: Kernel, *, factor: float | Fraction | None = None
) -> Taps:
    """The weights that turn `n_in` samples into `n_out`; ``area`` as well.

    ``area`` is the mean over the output pixel's extent, partial pixels weighted by their part
    (OpenCV's ``INTER_AREA``); enlarging with it repeats pixels and blends those that are cut.
    """
    if kernel != "area":
        return taps(n_in, n_out, method=_method(kernel), factor=factor)
    width = n_in / n_out if factor is None else 1 / float(factor)
    low = np.arange(n_out) * width
    high = np.minimum(low + width, n_in)
    first = np.floor(low + 1e-9).astype(np.intp)
    pixels = first[:, None] + np.arange(int(np.ceil(width)) + 1)
    covered = np.minimum(high[:, None], pixels + 1) - np.maximum(low[:, None], pixels)
    weights = np.maximum(covered, 0)
    return Taps(np.minimum(pixels, n_in - 1), weights / weights.sum(axis=1, keepdims=True))


def _method(kernel: Kernel) -> Method:
    assert kernel != "area"
    return kernel


@functools.lru_cache(maxsize=256)
def axis_matrix(
    n_in: int,
    n_out: int,
    kernel: Kernel,
    device: torch.device,
    factor: float | Fraction | None = None,
) -> Tensor:
    """``(n_out, n_in)`` float32: the same as a dense matrix; cached for the next batch."""
    dense = axis_taps(n_in, n_out, kernel, factor=factor).matrix(n_in)
    return torch.from_numpy(dense).float().to(device)


def resample_axis(
    x: Tensor,
    axis: Literal[-2, -1],
    n_out: int,
    kernel: Kernel,
    *,
    factor: float | Fraction | None = None,
) -> Tensor:
    """``(N, C, H, W)`` with one axis resampled; not rounded and not clipped."""
    n_in = x.shape[axis]
    if n_in <= _DENSE_PX:
        # A GPU may round single precision to 10 bits and then miss MATLAB's grey levels.
        exact = torch.float64 if x.is_cuda else x.dtype
        matrix = axis_matrix(n_in, n_out, kernel, x.device, factor).to(exact)
        y = matrix @ x.to(exact) if axis == -2 else x.to(exact) @ matrix.T
        return y.to(x.dtype)
    parts = axis_taps(n_in, n_out, kernel, factor=factor)
    shape = (-1, 1) if axis == -2 else (-1,)
    # Double precision: sums half-way between two levels must round as in MATLAB.
    out: Tensor | None = None
    for k in range(parts.indices.shape[1]):
        index = torch.from_numpy(parts.indices[:, k].astype(np.int64)).to(x.device)
        weight = torch.from_numpy(parts.weights[:, k]).to(x.device).reshape(shape)
        term = x.index_select(axis, index).double() * weight
        out = term if out is None else out.add_(term)
    assert out is not None
    return out.to(x.dtype)


def resample(
    x: Tensor,
    height: int,
    width: int,
    kernel: Kernel,
    *,
    factor: float | Fraction | None = None,
) -> Tensor:
    """``(N, C, height, width)``: rows first, then columns, antialiased when shrinking."""
    rows = resample_axis(x, -2, height, kernel, factor=factor)
    return resample_axis(rows, -1, width, kernel, factor=factor)
