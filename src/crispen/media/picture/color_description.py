"""Colour descriptions in files without an ICC profile, or that override one."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import BinaryIO

from crispen.media.picture import exif_orientation, file_chunks, heif_boxes
from crispen.media.picture.cicp import Cicp
from crispen.media.picture.icc import (
    LINEAR,
    SRGB,
    SRGB_CURVE,
    Curve,
    Primaries,
    grey_profile,
    rgb_profile,
)

_USUAL_GAMMA = 1 / 2.2  # what sRGB files state for simple readers


_ADOBE_RGB = Primaries((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
_ADOBE_GAMMA = 563 / 256


@dataclass(frozen=True, slots=True)
class Stated:
    """A colour space.

    Attributes:
        primaries: sRGB's by default.
        curve: sRGB's by default.
        cicp: The code points if the file has them; then only these count.
        before_icc: They take precedence over an ICC profile in the same file.
    """

    primaries: Primaries = SRGB
    curve: Curve = SRGB_CURVE
    cicp: Cicp | None = None
    before_icc: bool = False

    @property
    def linear(self) -> bool:
        """Whether samples are linear light."""
        return self.cicp.linear if self.cicp else self.curve.linear

    def encoded(self) -> Stated:
        """The same colours with sRGB's curve, as after converting `linear` light."""
        cicp = Cicp(self.cicp.primaries, 13) if self.cicp else None
        return replace(self, curve=SRGB_CURVE, cicp=cicp)

    def profile(self, *, grey: bool) -> bytes | None:
        """As an ICC profile; None for sRGB, and for HDR, which our profiles cannot express."""
        if self.cicp is not None:
            return self.cicp.profile(grey=grey)
        if self.curve == SRGB_CURVE and (grey or self.primaries == SRGB):
            return None
        if grey:
            return grey_profile(self.curve, f"Grey, gamma {self.curve.gamma:.2f}")
        return rgb_profile(self.primaries, self.curve, f"RGB, gamma {self.curve.gamma:.2f}")


def in_png(file: BinaryIO) -> Stated | None:
    """The colours of a PNG from its cICP, sRGB, gAMA and cHRM, in order of precedence.

    Raises:
        ValueError: They are stated in an unknown way.

    Source: PNG, third edition, 4.3.
    """
    chunks = file_chunks.png_head(file)
    if b"cICP" in chunks:
        codes = Cicp(*chunks[b"cICP"][:2].ljust(2, b"\0"))
        matrix, full = chunks[b"cICP"][2:4].ljust(2, b"\0")
        if matrix or full != 1:
            raise ValueError("its cICP describes video samples, not full-range RGB")
        return Stated(cicp=codes, before_icc=True)
    if b"iCCP" in chunks:
        return None
    if b"sRGB" in chunks:
        return Stated(cicp=Cicp(1, 13))
    primaries, curve = SRGB, SRGB_CURVE
    if len(chunks.get(b"cHRM", b"")) >= 32:
        wx, wy, rx, ry, gx, gy, bx, by = (
            n / 100_000 for n in struct.unpack_from(">8I", chunks[b"cHRM"])
        )
        primaries = _sensible(Primaries((rx, ry), (gx, gy), (bx, by), (wx, wy)))
    if len(chunks.get(b"gAMA", b"")) >= 4:
        curve = _by_gamma(struct.unpack_from(">I", chunks[b"gAMA"])[0] / 100_000, primaries)
    return Stated(primaries, curve)


def in_avif(file: BinaryIO) -> Stated | None:
    """The colours of an AVIF or HEIF from its nclx box, used only without a profile."""
    _, meta = heif_boxes.read_meta(file)
    box = heif_boxes.nclx(meta)
    if box is None or box.end - box.start < 8:
        return None
    codes = Cicp(*struct.unpack_from(">HH", meta, box.start + 4))
    return Stated(cicp=codes) if max(codes) < 256 else None  # larger codes do not exist


def in_exif(exif: bytes) -> Stated | None:
    """Adobe RGB, which cameras state only in EXIF."""
    return Stated(_ADOBE_RGB, Curve(_ADOBE_GAMMA)) if exif_orientation.is_adobe_rgb(exif) else None


def _by_gamma(exponent: float, primaries: Primaries) -> Curve:
    """The curve that a gAMA of `exponent` means."""
    if not 0.05 < exponent < 20:
        return SRGB_CURVE  # nonsense counts as missing, as in libpng
    if abs(exponent - 1) < 0.01:
        return LINEAR
    if abs(exponent / _USUAL_GAMMA - 1) < 0.01 and primaries == SRGB:
        return SRGB_CURVE
    return Curve(1 / exponent)


def _sensible(primaries: Primaries) -> Primaries:
    """`primaries`, or sRGB's if they differ only by rounding or are invalid."""
    if primaries.is_near(SRGB):
        return SRGB
    try:
        primaries.matrix()
    except ValueError:
        return SRGB
    return primaries
