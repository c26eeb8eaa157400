"""Pictures that are decoded whole, by libraries other than libvips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from crispen.media._header import Metadata, Pixels


@dataclass(frozen=True, slots=True)
class Whole:
    """A picture whose size is known and whose pixels are not decoded yet.

    Attributes:
        width: Of one frame, upright.
        height: Of one frame, upright.
        decode: Gives ``(frames * height, width, channels)``; raises ValueError where it is damaged.
        frames: More than 1 in an animation.
        pages: How many pictures there are where only the first is decoded.
        metadata: Profile, EXIF and so on.
        notes: What a person should know.
        lossless: It is stored without loss, in a format that can do both.
    """

    width: int
    height: int
    decode: Callable[[], Pixels] = field(repr=False)
    frames: int = 1
    pages: int = 1
    metadata: Metadata = field(default_factory=Metadata)
    notes: tuple[str, ...] = ()
    lossless: bool = False
