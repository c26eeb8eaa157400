"""Augmentation: pairs of input and target that are mixed with each other, or change colour.

All four are off unless a recipe's ``[augment]`` table gives them a share. A crop gets at most one
of mixup, CutMix and CutBlur, as in the mixture of augmentations of the CutBlur paper [1]_, from
which also the usual values of `mixup_alpha` and `cut` come.

.. [1] J. Yoo, N. Ahn, K. Sohn, "Rethinking data augmentation for image super-resolution: a
   comprehensive analysis and a new strategy", CVPR 2020, arXiv:2004.00448
.. [2] H. Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018, arXiv:1710.09412
.. [3] S. Yun et al., "CutMix: regularization strategy to train strong classifiers with localizable
   features", ICCV 2019, arXiv:1905.04899
"""

from __future__ import annotations

from typing import Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Generator, Tensor

from crispen.errors import UsageError
from crispen.lab.degradations.pipeline import Pair
from crispen.lab.table import Table


class Augment(Table):
    """Augmentation of the training crops, after they were degraded; off by default."""

    mixup: float = Field(
        0.0, ge=0, le=1, description="share of the crops blended with another of the batch"
    )
    mixup_alpha: float = Field(
        1.2, gt=0, le=100, description="mixup: how even the blend is; its weight is Beta(α, α)"
    )
    cutmix: float = Field(
        0.0, ge=0, le=1, description="share of the crops that get a square of another of the batch"
    )
    cutblur: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of the inputs that get a square of their target, or whose target gets "
        "a square of them and becomes the input; at scale 1 only",
    )
    cut: float = Field(
        0.7, gt=0, lt=1, description="cutmix and cutblur: side of the square, relative to the crop"
    )
    channel_shuffle: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of the crops whose channels are put in another order; for rgb",
    )

    @model_validator(mode="after")
    def _at_most_one(self) -> Self:
        total = self.mixup + self.cutmix + self.cutblur
        if total > 1:
            raise ValueError(
                f"mixup, cutmix and cutblur are {total:g} together, and a crop gets at most one; "
                "lower them to 1 or less"
            )
        return self

    @property
    def used(self) -> bool:
        """Whether anything is on."""
        return bool(self.mixup or self.cutmix or self.cutblur or self.channel_shuffle)

    def check(self, *, scale: int, channels: int, batch: int, dials: bool) -> None:
        """Refuses what does not fit the rest of a recipe.

        Args:
            scale: How many times larger a target's sides are.
            channels: Channels of a crop.
            batch: Crops per step.
            dials: Whether the network is told how degraded its input is.

        Raises:
            UsageError: One of them does not fit; the error names it.
        """
        if self.channel_shuffle and channels < 3:
            raise UsageError('augment.channel_shuffle: needs data.color = "rgb"; leave it out')
        if self.cutblur and scale > 1:
            raise UsageError(
                "augment.cutblur: needs inputs as large as their targets; use scale = 1 with "
                f'degradation = [{{ kind = "pixelate", size = {1 / scale:.4g}, down = "bicubic", '
                f'up = "bicubic" }}] and network.unshuffle = {scale}, or leave it out'
            )
        for key in ("mixup", "cutmix"):
            if getattr(self, key) and batch < 2:
                raise UsageError(f"augment.{key}: needs data.batch = 2 or more")
        for key in ("mixup", "cutmix", "cutblur"):
            if getattr(self, key) and dials:
                raise UsageError(
                    f"augment.{key}: the network has dials, which do not describe mixed inputs; "
                    "leave it out"
                )


def augmented(pair: Pair, table: Augment, generator: Generator) -> Pair:
    """A batch with its share of augmented crops; input and target are treated alike.

    * mixup [2]_: ``λ x + (1 - λ) x'`` for both, λ drawn for each crop from Beta(α, α);
    * CutMix [3]_: a square of both is replaced by the same square of another crop;
    * CutBlur [1]_: a square of the input is replaced by the target's, or everything outside of it,
      each in half of the cases, so that a network learns where to change little. The target stays;
    * channel shuffle [1]_: red, green and blue in another order, the same one for both.

    Args:
        pair: The batch, in [0, 1].
        table: The shares.
        generator: On the pair's device; the only source of randomness.

    Returns:
        The augmented batch; `pair` itself is not changed.
    """
    seed = int(torch.randint(2**31, (1,), generator=generator, device=generator.device))
    rng = np.random.default_rng(seed)
    low, high = pair.input.clone(), pair.target.clone()
    count = len(low)
    # Another crop of the batch for each: a shift of a random order has none in its own place.
    order = rng.permutation(count)
    partner = np.empty(count, np.int64)
    partner[order] = np.roll(order, 1)
    coins = rng.random(count)
    ends = np.cumsum([table.mixup, table.cutmix, table.cutblur])
    for i in range(count):
        other = int(partner[i])
        match int(np.searchsorted(ends, coins[i], side="right")):
            case 0:
                weight = float(rng.beta(table.mixup_alpha, table.mixup_alpha))
                low[i] = pair.input[other].lerp(pair.input[i], weight)
                high[i] = pair.target[other].lerp(pair.target[i], weight)
            case 1:
                square = _square(rng, low.shape[-1], table.cut)
                for x, source in ((low, pair.input), (high, pair.target)):
                    part = _scaled(square, x.shape[-1] // low.shape[-1])
                    x[i][part] = source[other][part]
            case 2:
                part = _scaled(_square(rng, low.shape[-1], table.cut), 1)
                if rng.random() < 0.5:
                    low[i][part] = pair.target[i][part]
                else:
                    low[i] = pair.target[i]
                    low[i][part] = pair.input[i][part]
        if table.channel_shuffle and rng.random() < table.channel_shuffle:
            _shuffle(rng, low[i], high[i])
    return Pair(low, high, pair.dials)


def _square(rng: np.random.Generator, side: int, share: float) -> tuple[int, int, int]:
    """Top, left and side of a square in a crop of `side` pixels."""
    cut = min(side, max(1, round(side * share)))
    top, left = rng.integers(0, side - cut + 1, 2).tolist()
    return top, left, cut


def _scaled(square: tuple[int, int, int], scale: int) -> tuple[slice, slice, slice]:
    """Its index in a crop that is `scale` times as large."""
    top, left, side = (n * scale for n in square)
    return slice(None), slice(top, top + side), slice(left, left + side)


def _shuffle(rng: np.random.Generator, *crops: Tensor) -> None:
    """Puts the channels of crops into one random order other than theirs, in place."""
    channels = len(crops[0])
    order = np.arange(channels)
    while (order == np.arange(channels)).all():
        order = rng.permutation(channels)
    for crop in crops:
        crop.copy_(crop[order.tolist()].clone())
