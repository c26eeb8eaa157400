"""A part of a clip."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a clip, in seconds.

    Attributes:
        begin: When it begins; None if nothing is cut off there, and no time moves.
        end: When it ends: the first moment no longer in it; None likewise.
    """

    begin: Fraction | None = None
    end: Fraction | None = None

    def __bool__(self) -> bool:
        return not (self.begin is None and self.end is None)

    def moved(self, seconds: Fraction) -> Span:
        """The same part on a clock that is `seconds` ahead."""
        return Span(*(None if t is None else t + seconds for t in (self.begin, self.end)))

    def is_before(self, time: Fraction) -> bool:
        """Whether the part has not begun at `time`."""
        return self.begin is not None and time < self.begin

    def is_over(self, time: Fraction) -> bool:
        """Whether the part has ended at `time`."""
        return self.end is not None and time >= self.end

    def holds(self, time: Fraction) -> bool:
        """Whether `time` is in the part."""
        return not (self.is_before(time) or self.is_over(time))

    def overlap(self, begin: Fraction, end: Fraction) -> tuple[Fraction, Fraction] | None:
        """The part of the time from `begin` to `end` that is in the span, or None."""
        if not (self.holds(begin) or (self.is_before(begin) and not self.is_before(end))):
            return None
        first = begin if self.begin is None else max(begin, self.begin)
        last = end if self.end is None else min(end, self.end)
        return (first, last) if first < last or begin == end else None
