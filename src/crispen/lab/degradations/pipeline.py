"""Degradations in sequence: on training crops and on whole pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from crispen.errors import UsageError
from crispen.lab.degradations.base import Degradation, chain_grid, chain_margin
from crispen.lab.degradations.bicubic import Bicubic


def resolve(tables: Sequence[Degradation], scale: int) -> tuple[Degradation, ...]:
    """The degradations with the shrinking that `scale` requires.

    If none of them shrinks, MATLAB-equal bicubic shrinking is inserted: after the blurs that the
    list begins with, since a lens comes before a sensor, and before everything else.

    Raises:
        UsageError: They shrink by a factor other than `scale`.
    """
    chain = list(tables)
    total = math.prod(t.shrink(scale) for t in chain)
    if total == 1 and scale > 1:
        place = next((i for i, t in enumerate(chain) if not t.blurs()), len(chain))
        chain.insert(place, Bicubic(factor=scale))
    elif total != scale:
        kinds = ", ".join(t.kind for t in chain if t.shrink(scale) > 1)
        raise UsageError(
            f"the degradations ({kinds}) shrink {total} times, but the scale is {scale}; "
            f"make their factors give {scale}"
        )
    return tuple(chain)


@dataclass(frozen=True, slots=True)
class Pair:
    """What a network learns from.

    Attributes:
        input: ``(N, C, h, w)`` in [0, 1].
        target: ``(N, C, scale·h, scale·w)`` in [0, 1].
        dials: ``(N, 6)``: the dials of a network that has them, for the inputs; see
            `crispen.models.dials`. None if nothing is known.
    """

    input: Tensor
    target: Tensor
    dials: Tensor | None = None


class Pipeline:
    """Makes pairs of input and target from HR crops.

    Crops are larger than the part kept: the border, which the crop's own edge influences, is
    dropped. If a degradation lays a grid over the picture (such as JPEG blocks), the kept part
    begins anywhere in a cell, so that a network sees every phase of the grid.

    Args:
        tables: The recipe's degradations, in order.
        scale: The factor by which the input is smaller than the target.
        patch: Side of the input in pixels.
        device: Where the crops are.
        channels: Channels of the crops.

    Attributes:
        crop: Side of the HR crops that it takes, margins included.

    Raises:
        UsageError: The degradations do not fit the scale or the channels.
    """

    def __init__(
        self,
        tables: Sequence[Degradation],
        *,
        scale: int,
        patch: int,
        device: torch.device | str = "cpu",
        channels: int = 3,
    ) -> None:
        self.chain = resolve(tables, scale)
        self.scale = scale
        self.patch = patch
        self.device = torch.device(device)
        check_channels(self.chain, channels)
        self._rim = -(-chain_margin(self.chain, scale) // scale)
        self._room = -(-chain_grid(self.chain, scale) // scale) - 1
        self.crop = scale * (patch + 2 * self._rim + self._room)

    def __call__(self, crops: Tensor, generator: Generator) -> Pair:
        """Degrades a batch.

        Args:
            crops: ``(N, C, crop, crop)`` float in [0, 1].
            generator: On the device of the crops; the only source of randomness.

        Returns:
            Inputs of `patch` pixels, and their targets.
        """
        assert crops.shape[-2:] == (self.crop, self.crop), (crops.shape, self.crop)
        x, dials = _applied(self.chain, crops, generator, self.scale)
        x, target = self._kept(x, crops, generator)
        return Pair(x, target, dials)

    def _kept(self, x: Tensor, target: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        if not self._room:
            tops = lefts = [self._rim] * len(x)
        else:
            # Drawn on the device, cut by CPU indices: a slice is a view, a gather is not.
            shape = (2, len(x))
            places = torch.randint(
                self._room + 1, shape, device=x.device, generator=generator
            ).tolist()
            tops, lefts = ([self._rim + place for place in axis] for axis in places)
        return _cut(x, tops, lefts, self.patch, 1), _cut(
            target, tops, lefts, self.patch, self.scale
        )


def _applied(
    chain: Sequence[Degradation], x: Tensor, generator: Generator, scale: int
) -> tuple[Tensor, Tensor | None]:
    dials = None
    # Called from a training step: nothing here is learned or may be rounded to bf16.
    with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
        for table in chain:
            x, known = table.apply_with_dials(x, generator, scale)
            dials = dials if known is None else known
    return x, dials


def _cut(x: Tensor, tops: list[int], lefts: list[int], patch: int, scale: int) -> Tensor:
    side = patch * scale
    if len(set(tops)) == len(set(lefts)) == 1:
        top, left = tops[0] * scale, lefts[0] * scale
        return x[..., top : top + side, left : left + side]
    return torch.stack(
        [
            picture[:, top * scale : top * scale + side, left * scale : left * scale + side]
            for picture, top, left in zip(x, tops, lefts, strict=True)
        ]
    )


def check_channels(tables: Sequence[Degradation], channels: int) -> None:
    """Refuses degradations that cannot work on this number of channels.

    Raises:
        UsageError: One of them needs colour, but there is none.
    """
    for table in tables:
        if table.needs_color() and channels < 3:
            raise UsageError(
                f"{table.kind} needs colour, but there is one channel, grey or luma; "
                'take salt-and-pepper, or colour (in a recipe, data.color = "rgb")'
            )


def degrade(
    picture: Tensor, tables: Sequence[Degradation], generator: Generator, scale: int = 1
) -> Tensor:
    """Degrades whole pictures.

    Args:
        picture: ``(N, C, H, W)`` float in [0, 1]; not changed.
        tables: The degradations, in order.
        generator: On the device of the pictures.
        scale: How many times smaller the result is; a side of n pixels becomes one of
            ceil(n / scale).

    Raises:
        UsageError: The degradations do not fit the scale or the channels.
    """
    chain = resolve(tables, scale)
    check_channels(chain, picture.shape[1])
    return _applied(chain, picture, generator, scale)[0]
