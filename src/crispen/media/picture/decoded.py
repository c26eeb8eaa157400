"""Pictures that are decoded whole, by libraries other than libvips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from crispen.media.picture.header import Metadata, Pixels


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture.

    Attributes:
        pixels: ``(frames * height, width, channels)``, upright.
        metadata: Profile, EXIF and so on.
        notes: Notes for the user.
    """

    pixels: Pixels
    metadata: Metadata = field(default_factory=Metadata)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Whole:
    """A picture whose size is known but which is not yet decoded.

    Attributes:
        width: Width of one frame, as stored.
        height: Height of one frame, as stored.
        decode: Raises ValueError if it is damaged.
        frames: More than 1 in an animation.
        pages: How many pictures there are if only the first is decoded.
    """

    width: int
    height: int
    decode: Callable[[], Decoded] = field(repr=False)
    frames: int = 1
    pages: int = 1
