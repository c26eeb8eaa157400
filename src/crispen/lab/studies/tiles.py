"""A network on a picture in pieces: patches that overlap and are averaged, and exact tiles.

Here networks are run as they are, without engines and unclipped, so that the two can be compared
to the last digit; people's pictures go through `crispen.enhance`.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from crispen.evaluate.metrics import Array
from crispen.lab.networks import Network


def starts(length: int, patch: int, stride: int) -> list[int]:
    """First pixels of the patches along an axis; the last is shifted inward to fit.

    >>> starts(200, 100, 50), starts(90, 60, 60)
    ([0, 50, 100], [0, 30])
    """
    last = max(0, length - patch)
    return [*range(0, last, stride), last]


def averaged(network: Network, x: Tensor, patch: int, stride: int) -> tuple[Tensor, int]:
    """The mean of the answers to overlapping patches, and how many patches those were.

    Args:
        network: Of scale 1.
        x: ``(1, C, H, W)``.
        patch: Side of a patch, a multiple of `network.multiple`.
        stride: Pixels from one patch to the next.
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
    """What the whole picture would give, tile by tile, and how many tiles those were.

    Args:
        network: Of scale 1 and a finite halo.
        x: ``(1, C, H, W)``, sides multiples of `network.multiple`.
        tile: Side of a tile with the halo on both sides, a multiple of `network.multiple`.
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
    """How much the error of an answer jumps where a patch begins, the mean along all borders.

    Args:
        answer: ``(h, w, c)``.
        whole: What it should be.
        stride: Pixels from one border to the next.
    """
    error = answer - whole
    jumps = [
        np.abs(np.diff(error, axis=axis)).take(
            range(stride - 1, error.shape[axis] - 1, stride), axis
        )
        for axis in (0, 1)
    ]
    return float(np.mean([jump.mean() for jump in jumps]))
