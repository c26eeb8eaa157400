"""The base of all degradations: a strict table that is also the function.

A degradation takes a batch ``(N, C, H, W)`` of floats in [0, 1] and returns one of the same kind.
Its arguments are numbers or ranges; each picture of the batch draws its own value from a range. All
randomness comes from the generator passed in, so the same seed gives the same pixels. No picture's
result depends on the pixels of another one in the batch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self

import torch
from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError
from torch import Generator, Tensor

from crispen.lab.table import Table


@dataclass(frozen=True)
class Limits:
    """The limits of a number or range; turns it into ``(low, high)``.

    Attributes:
        least: The smallest value allowed.
        most: The largest value allowed.
        open_below: `least` itself is not allowed.
        open_above: `most` itself is not allowed.
        percent: ``"40%"`` means 0.4.
    """

    least: float = -math.inf
    most: float = math.inf
    open_below: bool = False
    open_above: bool = False
    percent: bool = False

    def __call__(self, value: Any) -> tuple[float, float]:
        """The range that a recipe or command line states as ``25``, ``[0, 50]`` or ``"40%"``."""
        ends = list(value) if isinstance(value, list | tuple) else [value, value]
        if len(ends) != 2:
            raise self._refused(value)
        low, high = (self._number(end, value) for end in ends)
        if not low <= high:
            raise self._error(f"expected [low, high], got {value}; swap the two")
        return low, high

    def _number(self, end: Any, value: Any) -> float:
        if isinstance(end, bool):
            raise self._refused(value)
        try:
            if self.percent and isinstance(end, str) and end.strip().endswith("%"):
                number = float(end.strip()[:-1]) / 100
            else:
                number = float(end)
        except (TypeError, ValueError):
            raise self._refused(value) from None
        fits = number > self.least if self.open_below else number >= self.least
        fits &= number < self.most if self.open_above else number <= self.most
        if not fits or not math.isfinite(number):
            raise self._refused(value)
        return number

    def _refused(self, value: Any) -> PydanticCustomError:
        parts = []
        if math.isfinite(self.least):
            parts.append(f"{'above' if self.open_below else 'at least'} {self.least:g}")
        if math.isfinite(self.most):
            parts.append(f"{'below' if self.open_above else 'at most'} {self.most:g}")
        limits = f" {' and '.join(parts)}" if parts else ""
        hint = " (0.4 is 40 %)" if self.percent else ""
        return self._error(f"expected a number{limits}, or [low, high] of such{hint}; got {value}")

    @staticmethod
    def _error(text: str) -> PydanticCustomError:
        return PydanticCustomError("range", "{text}", {"text": text})


Span = tuple[float, float]
Proportion = Annotated[Span, BeforeValidator(Limits(0, 1, open_above=True, percent=True))]
Levels = Annotated[Span, BeforeValidator(Limits(0, 255))]
Pixels = Annotated[Span, BeforeValidator(Limits(0, 100))]
Angle = Annotated[Span, BeforeValidator(Limits(-360, 360))]


def draw(span: Span, x: Tensor, generator: Generator) -> Tensor:
    """``(N, 1, 1, 1)``: for each picture of `x` a value drawn uniformly from `span`."""
    low, high = span
    if low == high:
        return x.new_full((len(x), 1, 1, 1), low)
    return low + (high - low) * uniform((len(x), 1, 1, 1), x, generator)


def draw_log(span: Span, x: Tensor, generator: Generator) -> Tensor:
    """The same, uniform on a log scale: 10 to 100 is as likely as 100 to 1000."""
    low, high = span
    return draw((math.log(low), math.log(high)), x, generator).exp()


def uniform(shape: tuple[int, ...], like: Tensor, generator: Generator) -> Tensor:
    """Values in [0, 1) on the device of `like`."""
    return torch.rand(shape, dtype=like.dtype, device=like.device, generator=generator)


def normal(shape: tuple[int, ...], like: Tensor, generator: Generator) -> Tensor:
    """Values of a standard normal distribution on the device of `like`."""
    return torch.randn(shape, dtype=like.dtype, device=like.device, generator=generator)


class Degradation(Table):
    """One way in which pictures degrade: a ``[[degradation]]`` of a recipe.

    A subclass adds ``kind``, its arguments and `apply`; it may override what is below.

    Attributes:
        main: The argument that ``NAME=VALUE`` sets on the command line.
    """

    main: ClassVar[str] = ""

    kind: str = Field("", description="its name")
    probability: float = Field(1.0, ge=0, le=1, description="proportion of the pictures to degrade")
    clip: bool = Field(True, description="keep the values in [0, 1]")

    def shrink(self, scale: int) -> int:
        """The factor by which it shrinks each side, in a recipe of that scale."""
        return 1

    def margin(self, scale: int) -> int:
        """Number of (input) pixels around a pixel on which the result there depends."""
        return 0

    def grid(self, scale: int) -> int:
        """Side, in input pixels, of the cells that it lays over a picture; 1 for none."""
        return 1

    def blurs(self) -> bool:
        """Whether it belongs before a shrinking that the recipe does not name."""
        return False

    def needs_color(self) -> bool:
        """Whether it needs three channels."""
        return False

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """Degrades every picture of ``(N, C, H, W)``; may leave [0, 1]; does not change `x`."""
        raise NotImplementedError

    def apply_with_dials(
        self, x: Tensor, generator: Generator, scale: int = 1
    ) -> tuple[Tensor, Tensor | None]:
        """Degrades a batch, and returns the dials that describe it.

        Returns:
            The pictures, and ``(N, 6)`` as in `crispen.models.dials`; None if nothing is known.
        """
        return self(x, generator, scale), None

    def __call__(self, x: Tensor, generator: Generator, scale: int = 1) -> Tensor:
        """Degrades a batch, each picture with its probability.

        Args:
            x: ``(N, C, H, W)`` float in [0, 1]; not changed.
            generator: On the device of `x`; the only source of randomness.
            scale: The factor by which a shrinking degradation without a factor of its own shrinks
                each side.
        """
        if self.probability >= 1:
            return self._clipped(self.apply(x, generator, scale))
        chosen = uniform((len(x),), x, generator) < self.probability
        if not chosen.any():
            return x
        out = x.clone()
        out[chosen] = self._clipped(self.apply(x[chosen], generator, scale))
        return out

    def _clipped(self, y: Tensor) -> Tensor:
        return y.clamp(0.0, 1.0) if self.clip else y


class Ranged(Degradation):
    """A degradation that refers to white and black, whatever their levels."""

    black: float = Field(
        0.0, ge=0, lt=1, description="value of black; 16/255 = 0.0627 for studio luma"
    )
    white: float = Field(
        1.0, gt=0, le=1, description="value of white; 235/255 = 0.9216 for studio luma"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.black >= self.white:
            raise PydanticCustomError("ranged", "black: expected less than white")
        return self


class Shrinking(Degradation):
    """A degradation whose result is smaller."""

    main: ClassVar[str] = "factor"

    factor: int | None = Field(
        None, ge=1, le=16, description="downscaling factor; the recipe's scale unless given"
    )

    @model_validator(mode="after")
    def _always(self) -> Self:
        if self.probability < 1:
            raise PydanticCustomError(
                "shrinking",
                "probability: expected 1, since the pictures of a batch must stay of one size",
            )
        return self

    def shrink(self, scale: int) -> int:
        """The factor."""
        return scale if self.factor is None else self.factor


def chain_margin(chain: Sequence[Degradation], scale: int) -> int:
    """`Degradation.margin` for several in sequence."""
    total, size = 0, 1
    for table in chain:
        total += table.margin(scale) * size
        size *= table.shrink(scale)
    return total


def chain_grid(chain: Sequence[Degradation], scale: int) -> int:
    """`Degradation.grid` for several in sequence."""
    largest, size = 1, 1
    for table in chain:
        largest = max(largest, table.grid(scale) * size)
        size *= table.shrink(scale)
    return largest
