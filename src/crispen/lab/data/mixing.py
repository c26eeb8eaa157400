"""Crops that sharp photographs do not provide, mixed into a batch: soft ones, pages and patterns.

A soft crop or a drawn page takes the place of a target, and is degraded like the photographs. A
pattern takes the place of an input and of its target. Pages and patterns come from
`crispen.lab.data.drawn`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from crispen.lab.data.bilevel import BLACK, WHITE
from crispen.lab.data.drawn import page, pattern
from crispen.lab.degradations import kernels
from crispen.lab.degradations.filtering import convolve_axes
from crispen.lab.degradations.pipeline import Pair
from crispen.lab.degradations.resampling import Kernel, resample
from crispen.lab.networks.base import bicubic_kernel, bicubic_planes

# How soft: the standard deviation of a blur in pixels of the target, or the fraction of its side
# that a picture had before it was enlarged.
_SOFT_SIGMA, _SOFT_PART = (0.5, 2.5), (0.35, 0.85)
_SOFT_ENLARGING: tuple[Kernel, ...] = ("bilinear", "bicubic", "lanczos")


def with_soft(crops: Tensor, share: float, generator: Generator) -> Tensor:
    """Makes about `share` of the crops soft: half of them blurred, half enlarged from smaller ones.

    Many pictures were out of focus or enlarged before they were shrunk. A network that has only
    learned from sharp ones makes edges that were never there.

    Args:
        crops: ``(N, C, side, side)`` in [0, 1].
        share: From 0 to 1.
        generator: On the crops' device; decides which, and how soft.

    Returns:
        The same shape; the same tensor if none was chosen.
    """
    return _mixed(crops, share, generator, _softened)


def _softened(crop: Tensor, rng: np.random.Generator) -> Tensor:
    crop = crop[None]
    if rng.random() < 0.5:
        radius = kernels.reach(_SOFT_SIGMA[1])
        offsets = torch.arange(-radius, radius + 1, dtype=crop.dtype, device=crop.device)
        sigma = crop.new_tensor(np.exp(rng.uniform(*np.log(_SOFT_SIGMA))))
        return convolve_axes(crop, kernels.gaussian(sigma, offsets))[0]
    side = crop.shape[-1]
    small = max(4, round(side * rng.uniform(*_SOFT_PART)))
    method = _SOFT_ENLARGING[rng.integers(len(_SOFT_ENLARGING))]
    return resample(resample(crop, small, small, "area"), side, side, method).clamp(0, 1)[0]


def with_pages(crops: Tensor, share: float, generator: Generator) -> Tensor:
    """Replaces about `share` of the crops with pages of text, charts and windows.

    Args:
        crops: ``(N, 3, side, side)`` in [0, 1].
        share: From 0 to 1.
        generator: On the crops' device; decides which, and what is on them.

    Returns:
        The same shape; the same tensor if nothing was drawn.
    """
    return _mixed(
        crops, share, generator, lambda crop, rng: _tensor(page(rng, crop.shape[-1]), crop)
    )


def with_patterns(pair: Pair, share: float, generator: Generator) -> Pair:
    """Replaces about `share` of the pairs with patterns and their bicubic enlargement.

    Args:
        pair: The pair, in R'G'B' or luma alone.
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
        low[i] = _as_pattern(low[i], rng)
        high[i] = _enlarged(low[i : i + 1], scale)[0]
        if dials is not None:
            dials[i, ::2] = 0
    return Pair(low, high, dials)


def _as_pattern(crop: Tensor, rng: np.random.Generator) -> Tensor:
    """Patterns are grey; those of luma run from its black to its white."""
    black, white = (BLACK, WHITE) if len(crop) == 1 else (0.0, 1.0)
    levels = ((crop - black) / (white - black) * 255).round().clamp(0, 255)
    photo = levels.byte().expand(3, -1, -1).permute(1, 2, 0).cpu().numpy()
    made = _tensor(pattern(rng, np.ascontiguousarray(photo)), crop)[: len(crop)]
    return black + (white - black) * made


def _mixed(
    crops: Tensor,
    share: float,
    generator: Generator,
    change: Callable[[Tensor, np.random.Generator], Tensor],
) -> Tensor:
    """The crops, about `share` of them changed."""
    chosen, rng = _chosen(len(crops), share, generator)
    if not chosen:
        return crops
    mixed = crops.clone()
    for i in chosen:
        mixed[i] = change(mixed[i], rng)
    return mixed


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
    planes = bicubic_planes(x, bicubic_kernel(scale, x.shape[1]).to(x))
    return F.pixel_shuffle(planes, scale).clamp(0, 1)
