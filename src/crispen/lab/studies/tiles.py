"""Runs a network on a picture in pieces: averaged overlapping patches, and exact tiles.

Networks run in PyTorch without clipping, so that the two can be compared to float rounding. Users'
pictures are enhanced by `crispen.enhance` instead.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from crispen.evaluate.metrics import Array
from crispen.lab.networks import Network


def starts(length: int, patch: int, stride: int) -> list[int]:
    """First pixel of each patch along an axis; the last patch is shifted inward to fit.

    Args:
        length: Pixels along the axis.
        patch: Pixels of a patch.
        stride: Pixels from one patch to the next.

    >>> starts(200, 100, 50), starts(90, 60, 60)
    ([0, 50, 100], [0, 30])
    """
    last = max(0, length - patch)
    return [*range(0, last, stride), last]


def averaged(network: Network, x: Tensor, patch: int, stride: int) -> tuple[Tensor, int]:
    """The mean of a network's outputs for overlapping patches, and the number of patches.

    Args:
        network: A network of scale 1.
        x: ``(1, C, H, W)``.
        patch: Side of a patch, a multiple of `network.multiple`.
        stride: Pixels from one patch to the next.

    Returns:
        The output, ``(1, C, H, W)``, and the number of patches.
    """
    sums, weights = torch.zeros_like(x), torch.zeros_like(x)
    places = [
        (slice(top, top + patch), slice(left, left + patch))
        for top in starts(x.shape[2], patch, stride)
        for left in starts(x.shape[3], patch, stride)
    ]
    for rows, columns in places:
        sums[..., rows, columns] += network(x[..., rows, columns])
        weights[..., rows, columns] += 1.0
    return sums / weights, len(places)


def exact(network: Network, x: Tensor, tile: int) -> tuple[Tensor, int]:
    """The output for the whole picture, computed in tiles, and the number of tiles.

    Args:
        network: A network of scale 1 with a finite halo.
        x: ``(1, C, H, W)``, sides multiples of `network.multiple`.
        tile: Side of a tile with the halo on both sides, a multiple of `network.multiple`.

    Returns:
        The output, ``(1, C, H, W)``, and the number of tiles.
    """
    assert network.halo is not None
    margin = -(-network.halo // network.multiple) * network.multiple
    core = tile - 2 * margin
    assert core > 0, (tile, margin)
    out = torch.zeros_like(x)
    height, width = x.shape[2:]
    count = 0
    for top in range(0, height, core):
        for left in range(0, width, core):
            above, before = max(0, top - margin), max(0, left - margin)
            seen = x[..., above : top + core + margin, before : left + core + margin]
            rows = slice(top - above, min(height, top + core) - above)
            columns = slice(left - before, min(width, left + core) - before)
            out[..., top : top + core, left : left + core] = network(seen)[..., rows, columns]
            count += 1
    return out, count


def seam(answer: Array, whole: Array, stride: int) -> float:
    """Mean absolute change of an output's error across the borders of patches.

    Args:
        answer: Output that was assembled from patches, ``(h, w, c)``.
        whole: Output for the whole picture, the same shape.
        stride: Pixels from one border to the next.

    Returns:
        The change in the units of `answer`.
    """
    error = answer - whole
    jumps = [
        np.abs(np.diff(error, axis=axis)).take(
            range(stride - 1, error.shape[axis] - 1, stride), axis
        )
        for axis in (0, 1)
    ]
    return float(np.mean([jump.mean() for jump in jumps]))
