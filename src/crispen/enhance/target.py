"""The size of the result: a factor, exact sides, or the largest size that fits a box."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from crispen.errors import UsageError


@dataclass(frozen=True, slots=True)
class Target:
    """The size of a result.

    Attributes:
        scale: Factor for each side; 1 keeps the size.
        width: Columns of the result; the height keeps the aspect ratio unless given.
        height: Rows of the result; the width keeps the aspect ratio unless given.
        fit: With both sides: the largest size of the same aspect ratio inside that box,
            instead of exactly that size.

    Raises:
        UsageError: The values contradict each other or are not positive.

    >>> Target(width=1000).resolve(400, 300)
    (1000, 750)
    """

    scale: float | None = None
    width: int | None = None
    height: int | None = None
    fit: bool = False

    def __post_init__(self) -> None:
        if self.scale is not None and (self.width is not None or self.height is not None):
            raise UsageError("both a scale and a size were given; give one of them")
        if self.scale is not None and not (math.isfinite(self.scale) and self.scale > 0):
            raise UsageError(
                f"the scale is {self.scale:g}; give a number above 0, such as 2 or 1.5"
            )
        for name, side in (("width", self.width), ("height", self.height)):
            if side is not None and side < 1:
                raise UsageError(f"the {name} is {side}; give 1 pixel or more")
        if self.fit and (self.width is None or self.height is None):
            raise UsageError("--fit needs a box; give both sides, as in --size 1920x1080 --fit")

    @property
    def sized(self) -> bool:
        """Whether sides were given, rather than a factor."""
        return self.width is not None or self.height is not None

    def or_scale(self, scale: float) -> Target:
        """This target, or `scale` if nothing was requested."""
        return self if self.sized or self.scale is not None else Target(scale=scale)

    def resolve(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the result for a picture of `width` by `height`; 1 at least."""
        if not self.sized:
            across = down = 1.0 if self.scale is None else self.scale
        elif self.width is None or self.height is None:
            across = down = (
                self.width / width if self.width is not None else (self.height or 0) / height
            )
        elif self.fit:
            across = down = min(self.width / width, self.height / height)
        else:
            return self.width, self.height
        return _rounded(width * across), _rounded(height * down)

    @property
    def label(self) -> str:
        """The label in a result's name: ``x2``, ``3840x2160``, ``w1000``, ``h500``."""
        if self.width is not None and self.height is not None:
            return f"{self.width}x{self.height}"
        if self.width is not None:
            return f"w{self.width}"
        if self.height is not None:
            return f"h{self.height}"
        return f"x{1.0 if self.scale is None else self.scale:g}"


def _rounded(length: float) -> int:
    return max(1, math.floor(length + 0.5))


def parse_size(text: str) -> tuple[int, int]:
    """Width and height from ``3840x2160``.

    >>> parse_size("3840x2160")
    (3840, 2160)
    """
    match = re.fullmatch(r"\s*(\d+)\s*[xX×*]\s*(\d+)\s*", text)
    if match is None:
        raise UsageError(f"size '{text}' is not WIDTHxHEIGHT; write it as 3840x2160")
    return int(match[1]), int(match[2])
