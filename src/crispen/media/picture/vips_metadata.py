"""What libvips read from a file besides its pixels, as `Metadata`."""

from __future__ import annotations

from typing import Any

from crispen.media.picture import color_description, exif_orientation
from crispen.media.picture.color_description import Stated
from crispen.media.picture.header import Metadata
from crispen.media.picture.texts import Texts
from crispen.media.picture.tiff_choice import Choice

_MOST_PER_MM = 10_000


def read(
    image: Any, format: str, stated: Stated | None, choice: Choice, frames: int, texts: Texts
) -> tuple[Metadata, list[str]]:
    """The metadata of a picture rotated upright, and notes on what was decided.

    Args:
        image: libvips picture.
        format: Name of its format.
        stated: Its colours, if the file states them besides a profile.
        choice: Which picture of a TIFF it is.
        frames: More than 1 in an animation.
        texts: What libvips does not pass on.
    """
    icc, exif, xmp = (_blob(image, f"{n}-data") for n in ("icc-profile", "exif", "xmp"))
    exif, xmp = exif or texts.exif, texts.xmp or xmp
    notes = []
    if image.format in ("float", "double"):
        where = "of its own profile" if choice.profile else "of sRGB, since it holds no profile"
        notes.append(f"its floating-point samples were treated as 0 to {choice.white:g} {where}")
    if stated is None and exif is not None and format == "jpeg":
        stated = color_description.in_exif(exif)
    cicp = None
    if stated is not None and (icc is None or stated.before_icc):
        if stated.linear:
            notes.append("its linear light was given sRGB's curve, and 16 bits")
            stated = stated.encoded()
        icc, cicp = stated.profile(grey=image.bands < 3), stated.cicp
    # If the decoder or EXIF rotated the picture, XMP must not rotate it again.
    turned = format == "avif" or (exif is not None and exif_orientation.orientation(exif))
    turned = turned or choice.orientation > 1
    # 1 pixel a millimetre, or 72 dpi, is what libvips says when a file says nothing.
    unsaid = any(abs(image.xres - n) + abs(image.yres - n) < 0.01 for n in (1.0, 72 / 25.4))
    # Damaged values, which libvips would not write.
    unsaid |= not choice.sized or not 0 < min(image.xres, image.yres) <= _MOST_PER_MM
    unsaid |= max(image.xres, image.yres) > _MOST_PER_MM
    delays = image.get("delay") if frames > 1 and image.get_typeof("delay") else []
    metadata = Metadata(
        icc=icc,
        exif=exif_orientation.upright(exif) if exif else None,
        xmp=exif_orientation.upright_xmp(xmp) if xmp and turned else xmp,
        dpi=(round(image.xres * 25.4, 2), round(image.yres * 25.4, 2)) if not unsaid else None,
        delays_ms=tuple(delays),
        loop=int(image.get("loop")) if frames > 1 and image.get_typeof("loop") else 0,
        cicp=cicp,
        iptc=texts.iptc,
        photoshop=texts.photoshop,
        comment=texts.comment,
        texts=texts.texts,
        xmp_more=texts.xmp_more,
    )
    return metadata, notes


def orientation(image: Any, format: str, choice: Choice, texts: Texts) -> int:
    """How it is stored; an AVIF is rotated by its decoder, whatever its EXIF says."""
    if format == "tiff":
        return choice.orientation
    exif = _blob(image, "exif-data") or texts.exif
    if format == "avif" or exif is None:
        return 1
    return exif_orientation.orientation(exif) or 1


def is_linear(image: Any, stated: Stated | None) -> bool:
    """Whether the file says that its samples are linear light."""
    if stated is None or not stated.linear:
        return False
    return stated.before_icc or not image.get_typeof("icc-profile-data")


def _blob(image: Any, name: str) -> bytes | None:
    return bytes(image.get(name)) if image.get_typeof(name) else None
