"""Convolution of batches with a separate kernel per picture."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

# Larger pictures are filtered in bands of rows, so that memory does not grow with the kernel.
_BAND_PX = 1 << 18


def pad(x: Tensor, rows: tuple[int, int], columns: tuple[int, int]) -> Tensor:
    """``(N, C, H, W)`` with an edge-replicated border."""
    return F.pad(x, (*columns, *rows), mode="replicate")


def convolve(x: Tensor, kernels: Tensor) -> Tensor:
    """Filters each picture with its own kernel; edge pixels are repeated.

    Args:
        x: ``(N, C, H, W)``.
        kernels: ``(N, h, w)`` with odd sides, symmetric about their centre.
    """
    rows, columns = (side // 2 for side in kernels.shape[-2:])
    grouped = kernels.repeat_interleave(x.shape[1], dim=0)[:, None]

    def filtered(part: Tensor) -> Tensor:
        # One group per plane: a depth-wise convolution, which is fast everywhere.
        wide = pad(part, (0, 0), (columns, columns))
        planes = F.conv2d(wide.flatten(0, 1)[None], grouped, groups=len(grouped))
        return planes.reshape(*part.shape[:2], *planes.shape[-2:])

    return in_bands(x, rows, filtered)


def convolve_axes(x: Tensor, kernels: Tensor) -> Tensor:
    """The same with separable kernels: ``(N, k)``, k odd, first down, then across."""
    return convolve(convolve(x, kernels[:, :, None]), kernels[:, None, :])


def in_bands(x: Tensor, reach: int, function: Callable[[Tensor], Tensor]) -> Tensor:
    """`function` on bands with `reach` more rows above and below than its result."""
    padded = pad(x, (reach, reach), (0, 0))
    height = max(1, _BAND_PX // (x.shape[0] * x.shape[-1]))
    if height >= x.shape[-2]:
        return function(padded)
    return torch.cat(
        [
            function(padded[..., top : min(top + height, x.shape[-2]) + 2 * reach, :])
            for top in range(0, x.shape[-2], height)
        ],
        dim=-2,
    )
