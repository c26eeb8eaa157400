"""Everything known about a picture except its pixels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crispen.media.picture.cicp import Cicp

Pixels = NDArray[np.uint8] | NDArray[np.uint16]

MAX_PIXELS = 300_000_000
"""Default limit on the pixels of one input, all frames together."""


@dataclass(frozen=True, slots=True)
class Metadata:
    r"""What is carried over with a picture into the output.

    Attributes:
        icc: Colour profile; the pixels are in its space. ``None`` means sRGB, or what `cicp` says.
        exif: As in a JPEG's APP1 segment, from ``Exif\0\0`` on; its orientation is always 1.
        xmp: The XML packet; its orientation, if it states one, is 1.
        dpi: Dots per inch, horizontally and vertically; ``None`` if unknown.
        delays_ms: How long each frame of an animation is shown; empty for a still picture.
        loop: How often an animation plays; 0 means for ever.
        cicp: Colours as code points of ITU-T H.273, if the file states them so. `icc` says the
            same, except for HDR, which only code points can express.
        iptc: The record of a JPEG's or TIFF's press information (IIM).
        photoshop: Photoshop's image resources that stay true: copyright flag, URL, paths.
        comment: A JPEG's comment, in any encoding.
        texts: Kind and content of a PNG's text chunks, such as the prompts of image generators.
        xmp_more: A JPEG's extended XMP packet, to which `xmp` refers.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    delays_ms: tuple[int, ...] = ()
    loop: int = 0
    cicp: Cicp | None = None
    iptc: bytes | None = None
    photoshop: bytes | None = None
    comment: bytes | None = None
    texts: tuple[tuple[bytes, bytes], ...] = ()
    xmp_more: bytes | None = None


@dataclass(frozen=True, slots=True)
class Header:
    """A picture without its pixels.

    Attributes:
        width: Width of one frame, upright.
        height: Height of one frame, upright.
        channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
        dtype: ``"uint8"`` or ``"uint16"``.
        frames: More than 1 in an animation.
        metadata: Profile, EXIF, XMP, resolution, delays.
        format: ``"png"``, ``"jpeg"``, ``"webp"``, ``"tiff"``, ``"avif"``, ``"gif"`` or ``"bmp"``.
        lossless: It was read from a WebP that keeps every sample.
    """

    width: int
    height: int
    channels: int
    dtype: str = "uint8"
    frames: int = 1
    metadata: Metadata = field(default_factory=Metadata)
    format: str = "png"
    lossless: bool = False

    @property
    def has_alpha(self) -> bool:
        """Whether the last channel is alpha."""
        return self.channels in (2, 4)


def to_8bit(pixels: Pixels) -> NDArray[np.uint8]:
    """`pixels` on 256 levels, rounded to the nearest: 257 levels of 16 bits make one of 8.

    >>> to_8bit(np.array([0, 128, 129, 65535], np.uint16))
    array([  0,   0,   1, 255], dtype=uint8)
    """
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8, copy=False)
    # The midpoint of two levels is never an integer, so this rounds exactly.
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def to_12bit(pixels: Pixels) -> NDArray[np.uint16]:
    """`pixels` on 4096 levels, rounded to the nearest, in the upper 12 of their 16 bits.

    >>> [f"{n:x}" for n in to_12bit(np.array([0, 8, 9, 65535], np.uint16))]
    ['0', '0', '10', 'fff0']
    """
    levels = (pixels.astype(np.uint32) * 4095 + 32767) // 65535
    return (levels << 4).astype(np.uint16)


def flatten_on_white(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``(…, 1 or 3)``: `pixels` of 2 or 4 channels composited on white."""
    colour = pixels[..., :-1].astype(np.uint32)
    alpha = pixels[..., -1:].astype(np.uint32)
    return ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
