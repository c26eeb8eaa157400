"""Receptive fields of hand-sized cases; every network's own is tested by gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from crispen.lab.networks.reach import bicubic, bilinear, conv, halo, pool, spread, transposed
from crispen.media.resample import taps


def test_convolutions_add_up() -> None:
    # Radii 4 + 0 + 2 of SRCNN's 9-1-5.
    assert halo(conv(9), conv(1), conv(5)) == 6


def test_pooling_looks_from_the_far_corner_of_its_cell() -> None:
    # Pixel 1 of cell 0 sees cells -1 … 1, that is pixels -2 … 3: three back, and three ahead of 0.
    assert halo(pool(), conv(3), spread(2), multiple=2) == 3


@pytest.mark.parametrize("layer", [(3, 1, 1), (4, 2, 1), (9, 3, 4), (2, 2, 0)])
def test_transposed_convolution_against_its_matrix(layer: tuple[int, int, int]) -> None:
    kernel, stride, padding = layer
    network = torch.nn.ConvTranspose1d(1, 1, kernel, stride, padding, bias=False)
    torch.nn.init.ones_(network.weight)
    n = 12
    with torch.no_grad():
        matrix = network(torch.eye(n)[:, None])[:, 0].T.numpy()  # (outputs, inputs)
    step = transposed(kernel, stride, padding)
    for o in range(4 * stride, 8 * stride):
        seen = np.flatnonzero(matrix[o])
        lo, hi = step(o, o)
        # Where stride leaves holes in the kernel, the range may be empty; it never is here.
        assert (lo, hi) == (seen[0], seen[-1])


@pytest.mark.parametrize("scale", [2, 3, 4, 5])
@pytest.mark.parametrize(("method", "step"), [("bicubic", bicubic), ("bilinear", bilinear)])
def test_interpolation_against_its_matrix(method, step, scale: int) -> None:
    n = 16
    matrix = taps(n, n * scale, method=method).matrix(n)
    for o in range(5 * scale, 9 * scale):
        seen = np.flatnonzero(np.abs(matrix[o]) > 1e-12)
        assert step(scale)(o, o) == (seen[0], seen[-1])
