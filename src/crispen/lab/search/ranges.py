"""What a search may change: ``KEY=LOW..HIGH`` for numbers, ``KEY=a|b|c`` for choices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crispen.errors import UsageError

if TYPE_CHECKING:
    from optuna.trial import Trial

_HOW = "write it as KEY=LOW..HIGH or KEY=a|b|c, as in train.learning_rate=1e-4..2e-3"
# Ends that are this many times apart are searched by their logarithm.
_WIDE = 10
_INSIDE = 0.382


@dataclass(frozen=True)
class NumberRange:
    """Numbers from `low` to `high`, both included.

    Attributes:
        key: The recipe's, as ``--set`` takes it: ``train.learning_rate``.
        low: The lower end.
        high: The upper end.
        whole: Whole numbers only.
    """

    key: str
    low: float
    high: float
    whole: bool = False

    @property
    def logarithmic(self) -> bool:
        """Whether it is searched by factors: both ends positive, and at least 10 times apart."""
        return self.low > 0 and self.high / self.low >= _WIDE

    def suggest(self, trial: Trial) -> str:
        """The trial's value as ``key=value``."""
        if self.whole:
            low, high = int(self.low), int(self.high)
            return f"{self.key}={trial.suggest_int(self.key, low, high, log=self.logarithmic)}"
        value = trial.suggest_float(self.key, self.low, self.high, log=self.logarithmic)
        return f"{self.key}={value!r}"

    def examples(self) -> list[str]:
        """Assignments that must be valid before anything is tried: both ends and a value inside."""
        # Not the middle, which may be whole where the others are not.
        inside = self.low + _INSIDE * (self.high - self.low)
        values: tuple[float, ...] = (self.low, self.high, inside)
        if self.whole:
            values = tuple(int(v) for v in values)
        return [f"{self.key}={value!r}" for value in values]

    def __str__(self) -> str:
        ends = f"{self.low:g} to {self.high:g}"
        kind = "whole numbers, " if self.whole else ""
        return f"{self.key}: {ends} ({kind}{'logarithmic' if self.logarithmic else 'linear'})"


@dataclass(frozen=True)
class Choices:
    """One of several values, without an order.

    Attributes:
        key: The recipe's, as ``--set`` takes it.
        values: At least two, as written.
    """

    key: str
    values: tuple[str, ...]

    def suggest(self, trial: Trial) -> str:
        """The trial's value as ``key=value``."""
        return f"{self.key}={trial.suggest_categorical(self.key, self.values)}"

    def examples(self) -> list[str]:
        """Assignments that must be valid before anything is tried: all."""
        return [f"{self.key}={value}" for value in self.values]

    def __str__(self) -> str:
        return f"{self.key}: {', '.join(self.values)}"


Range = NumberRange | Choices


def parse_ranges(texts: Sequence[str]) -> tuple[Range, ...]:
    """The ranges of a search.

    Args:
        texts: As given to ``--set-range``. ``1..8`` is whole numbers, ``1.0..8`` any.

    Raises:
        UsageError: There is none, one is not a range, or a key comes twice.

    >>> for found in parse_ranges(["train.learning_rate=1e-4..2e-3", "network.depth=3..6"]):
    ...     print(found)
    train.learning_rate: 0.0001 to 0.002 (logarithmic)
    network.depth: 3 to 6 (whole numbers, linear)
    """
    if not texts:
        raise UsageError(f"a search needs at least one --set-range; {_HOW}")
    ranges = tuple(_parse(text) for text in texts)
    keys = [r.key for r in ranges]
    for key in keys:
        if keys.count(key) > 1:
            raise UsageError(f"--set-range {key}: given more than once; give one range for it")
    return ranges


def _parse(text: str) -> Range:
    key, equals, values = (part.strip() for part in text.partition("="))
    if not key or not equals or not values:
        raise UsageError(f"--set-range {text}: {_HOW}")
    if "|" in values:
        choices = tuple(choice.strip() for choice in values.split("|"))
        if not all(choices) or len(set(choices)) < len(choices):
            raise UsageError(f"--set-range {text}: the choices must differ, and none may be empty")
        return Choices(key, choices)
    ends = values.split("..")
    if len(ends) != 2:
        raise UsageError(f"--set-range {text}: {_HOW}")
    try:
        low, high = (float(end) for end in ends)
    except ValueError:
        raise UsageError(f"--set-range {text}: the ends must be numbers; {_HOW}") from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UsageError(f"--set-range {text}: the first end must be below the second")
    return NumberRange(key, low, high, whole=all(_is_whole(end) for end in ends))


def _is_whole(text: str) -> bool:
    return text.strip().lstrip("+-").isdecimal()
