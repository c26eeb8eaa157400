"""Degradations made of others: one of several, all in random order, or in sequence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import torch
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from torch import Generator, Tensor

from crispen.errors import UsageError
from crispen.lab.degradations.base import Degradation, chain_grid, chain_margin, uniform

if TYPE_CHECKING:
    from crispen.lab.degradations import DegradationTable


class Composition(Degradation):
    """What compositions share."""

    parts: tuple[DegradationTable, ...] = Field(
        min_length=1, description="degradations, each with its own arguments and probability"
    )

    def blurs(self) -> bool:
        """Whether all parts do."""
        return all(part.blurs() for part in self.parts)

    def needs_color(self) -> bool:
        """Whether any part does."""
        return any(part.needs_color() for part in self.parts)

    def margin(self, scale: int) -> int:
        """The reach of all parts together."""
        return chain_margin(self.parts, scale)

    def grid(self, scale: int) -> int:
        """The largest of the parts'."""
        return max(part.grid(scale) for part in self.parts)


class Chain(Composition):
    """Several in sequence: what a picture goes through in one go.

    ::

        y = d_n(… d_2(d_1(x)))

    Useful inside ``one-of``, and with a probability of its own.
    """

    kind: Literal["chain"] = "chain"

    @model_validator(mode="after")
    def _fixed_size(self) -> Self:
        if self.probability < 1 and any(_shrinks(part) for part in self.parts):
            raise PydanticCustomError(
                "shrinking", "probability: expected 1, since one of the parts shrinks the picture"
            )
        return self

    def shrink(self, scale: int) -> int:
        """The product of their factors."""
        return math.prod(part.shrink(scale) for part in self.parts)

    def grid(self, scale: int) -> int:
        """The largest of the parts'."""
        return chain_grid(self.parts, scale)

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """One after another."""
        for part in self.parts:
            x = part(x, generator, scale)
        return x


class Shuffle(Composition):
    """All of them, in a different order for each picture.

    ::

        y = d_π(n)(… d_π(2)(d_π(1)(x))),  π a random permutation

    Source: K. Zhang et al., "Designing a Practical Degradation Model for Deep Blind Image
    Super-Resolution", 2021, arXiv:2103.14006.
    """

    kind: Literal["shuffle"] = "shuffle"

    @model_validator(mode="after")
    def _fixed_size(self) -> Self:
        if any(_shrinks(part) for part in self.parts):
            raise PydanticCustomError(
                "shrinking",
                "parts: expected degradations that keep the size; put what shrinks before or after",
            )
        return self

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """At each position of the order, each part takes the pictures that drew it there."""
        order = uniform((len(x), len(self.parts)), x, generator).argsort(dim=1)
        x = x.clone()
        for place in range(len(self.parts)):
            for number, part in enumerate(self.parts):
                chosen = (order[:, place] == number).nonzero()[:, 0]
                if len(chosen):
                    x[chosen] = part(x[chosen], generator, scale)
        return x


class OneOf(Composition):
    """One of several, drawn for each picture.

    ::

        y = d_k(x),  k drawn with the weights
    """

    kind: Literal["one-of"] = "one-of"
    main: ClassVar[str] = ""
    weights: tuple[float, ...] | None = Field(
        None, description="relative frequency of each; equal unless given"
    )

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        weights = self.weights
        if weights is not None and (
            len(weights) != len(self.parts) or min(weights) < 0 or sum(weights) <= 0
        ):
            raise PydanticCustomError(
                "weights",
                "weights: expected a number of at least 0 for each of the {count} parts, one of "
                "them above 0",
                {"count": len(self.parts)},
            )
        shrinking = [part for part in self.parts if _shrinks(part)]
        if shrinking and (self.probability < 1 or len(shrinking) < len(self.parts)):
            raise PydanticCustomError(
                "shrinking",
                "parts: either all of them shrink the picture, with probability 1, or none",
            )
        return self

    def shrink(self, scale: int) -> int:
        """The common factor of the parts.

        Raises:
            UsageError: They have none.
        """
        factors = {part.shrink(scale) for part in self.parts}
        if len(factors) > 1:
            raise UsageError(
                f"one-of: the parts shrink by different factors ({sorted(factors)}); "
                "give all of them the same"
            )
        return factors.pop()

    def margin(self, scale: int) -> int:
        """The farthest reach of any part."""
        return max(part.margin(scale) for part in self.parts)

    def apply(self, x: Tensor, generator: Generator, scale: int) -> Tensor:
        """Each part takes the pictures that drew it."""
        weights = x.new_tensor(self.weights or [1.0] * len(self.parts))
        drawn = torch.multinomial(weights, len(x), replacement=True, generator=generator)
        out: Tensor | None = None
        for number, part in enumerate(self.parts):
            chosen = (drawn == number).nonzero()[:, 0]
            if len(chosen):
                y = part(x[chosen], generator, scale)
                out = y.new_empty((len(x), *y.shape[1:])) if out is None else out
                out[chosen] = y
        assert out is not None
        return out


def _shrinks(part: Degradation) -> bool:
    # A recipe's scale is not known yet; any scale but 1 shows it.
    return part.shrink(2) > 1
