"""Crops that photographs do not provide, mixed into a batch: drawn pages and patterns.

Both come from `crispen.lab.data.drawn`. A page takes the place of a target, and is degraded like
the photographs. A pattern takes the place of an input and of its target.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from crispen.lab.data.drawn import page, pattern
from crispen.lab.degradations.pipeline import Pair
from crispen.lab.networks.base import bicubic_kernel, bicubic_planes


def with_pages(crops: Tensor, share: float, generator: Generator) -> Tensor:
    """Replaces about `share` of the crops with pages of text, charts and windows.

    Args:
        crops: ``(N, 3, side, side)`` in [0, 1].
        share: From 0 to 1.
        generator: On the crops' device; decides which, and what is on them.

    Returns:
        The same shape; the same tensor if nothing was drawn.
    """
    chosen, rng = _chosen(len(crops), share, generator)
    if not chosen:
        return crops
    mixed = crops.clone()
    for i in chosen:
        mixed[i] = _tensor(page(rng, crops.shape[-1]), crops)
    return mixed


def with_patterns(pair: Pair, share: float, generator: Generator) -> Pair:
    """Replaces about `share` of the pairs with patterns and their bicubic enlargement.

    Args:
        pair: The pair, three channels.
        share: From 0 to 1.
        generator: On the pair's device; decides which.

    Returns:
        The mixed pair, whose patterns are marked as undamaged.
    """
    chosen, rng = _chosen(len(pair.input), share, generator)
    if not chosen:
        return pair
    low, high = pair.input.clone(), pair.target.clone()
    dials = None if pair.dials is None else pair.dials.clone()
    scale = high.shape[-1] // low.shape[-1]
    for i in chosen:
        photo = (low[i] * 255).round().byte().permute(1, 2, 0).cpu().numpy()
        low[i] = _tensor(pattern(rng, photo), low)
        high[i] = _enlarged(low[i : i + 1], scale)[0]
        if dials is not None:
            dials[i, ::2] = 0
    return Pair(low, high, dials)


def _chosen(
    count: int, share: float, generator: Generator
) -> tuple[list[int], np.random.Generator]:
    """The chosen crops of a batch, and the source of further randomness."""
    device = generator.device
    coins = torch.rand(count, generator=generator, device=device)
    seed = int(torch.randint(2**31, (1,), generator=generator, device=device))
    return (coins < share).nonzero().flatten().tolist(), np.random.default_rng(seed)


def _tensor(pixels: np.ndarray, like: Tensor) -> Tensor:
    return torch.from_numpy(pixels).to(like).permute(2, 0, 1) / 255


def _enlarged(x: Tensor, scale: int) -> Tensor:
    if scale == 1:
        return x
    planes = bicubic_planes(x, bicubic_kernel(scale, 3).to(x))
    return F.pixel_shuffle(planes, scale).clamp(0, 1)
