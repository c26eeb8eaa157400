"""A rectangle of a clip's pictures, as requested and as stored."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crispen.errors import UsageError

if TYPE_CHECKING:
    from crispen.media.video.header import VideoHeader


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels.

    Attributes:
        width: Its columns.
        height: Its rows.
        left: Columns to the left of it.
        top: Rows above it.
    """

    width: int
    height: int
    left: int
    top: int

    def __str__(self) -> str:
        return f"{self.width}:{self.height}:{self.left}:{self.top}"

    @classmethod
    def of(cls, text: str) -> Box:
        """A rectangle as FFmpeg or ImageMagick write it.

        >>> Box.of("640:480:0:60") == Box.of("640x480+0+60") == Box(640, 480, 0, 60)
        True
        """
        return cls(*map(int, re.split("[:x+]", text.lower())))

    def check(self, size: tuple[int, int], step: tuple[int, int]) -> None:
        """Refuse a rectangle that cannot be cut out.

        Args:
            size: Width and height of the pictures, as shown.
            step: Columns and rows of one sample of chroma, as shown.

        Raises:
            UsageError: With what to do.
        """
        width, height = size
        if self.left + self.width > width or self.top + self.height > height:
            raise UsageError(
                f"crop {self} reaches beyond the picture, which is {width}x{height}; "
                "choose a smaller one",
                field="crop",
            )
        across, down = step
        for what, numbers, unit in (
            ("width and left edge", (self.width, self.left), across),
            ("height and top edge", (self.height, self.top), down),
        ):
            if any(n % unit for n in numbers):
                word = "even" if unit == 2 else f"multiples of {unit}"
                raise UsageError(
                    f"crop {self}: {what} must be {word}, since this clip has one sample of "
                    f"colour for {across}x{down} pixels",
                    field="crop",
                )

    def stored(self, header: VideoHeader) -> Box:
        """The same rectangle in the pictures as stored.

        Args:
            header: The clip's, which may be rotated or mirrored when it is shown.
        """
        matrix = header.display_matrix
        if matrix is None:
            return self
        across, turned_down, turned_across, down = (matrix[i] for i in (0, 1, 3, 4))
        # From where the shown picture's columns and rows are counted: a sign each.
        x, y = (turned_across, turned_down) if header.turned else (across, down)
        size = (header.width, header.height)
        shown = size[::-1] if header.turned else size
        left = self.left if x >= 0 else shown[0] - self.left - self.width
        top = self.top if y >= 0 else shown[1] - self.top - self.height
        if header.turned:
            return Box(self.height, self.width, top, left)
        return Box(self.width, self.height, left, top)
