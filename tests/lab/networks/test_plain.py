"""The plain stack: folding, and the shape of what is exported."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from crispen.lab.networks.plain import Plain


def test_folding_is_pixel_unshuffle_before_a_3x3_convolution() -> None:
    torch.manual_seed(0)
    network = Plain(1, 3, width=5, depth=1, unshuffle=2)
    x = torch.rand(1, 3, 12, 8)
    # Tap (y, x) of channel c at stride 2 is tap (y // 2, x // 2) of plane 4·c + 2·(y % 2) + x % 2.
    kernel = network.head.weight.reshape(5, 3, 3, 2, 3, 2).permute(0, 1, 3, 5, 2, 4)
    folded = F.conv2d(
        F.pixel_unshuffle(x, 2), kernel.reshape(5, 12, 3, 3), network.head.bias, padding=1
    )
    torch.testing.assert_close(network.head(x), folded, atol=1e-6, rtol=0)


def test_merging_leaves_plain_convolutions() -> None:
    network = Plain(2, 1, width=4, depth=3, unshuffle=2).merged()
    kernels = {name: tuple(p.shape) for name, p in network.named_parameters() if p.ndim == 4}
    assert kernels == {
        "head.weight": (4, 1, 6, 6),
        "body.0.weight": (4, 4, 3, 3),
        "body.1.weight": (4, 4, 3, 3),
        "body.2.weight": (4, 4, 3, 3),
        "tail.weight": (16, 4, 3, 3),
    }


def test_every_first_filter_fires_on_some_pixels_only() -> None:
    torch.manual_seed(0)
    head = Plain(2, 1, width=64).head
    # Around mid-grey, as pictures are: filters that minded the mean would be all on or all off.
    fires = (head(0.5 + 0.05 * torch.randn(1, 1, 64, 64))[..., 1:-1, 1:-1] > 0).float()
    share = fires.mean((0, 2, 3))
    assert ((share > 0.3) & (share < 0.7)).all()
