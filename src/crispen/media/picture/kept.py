"""What a format keeps of a picture, and the notes on what it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from crispen.media.formats import PictureFormat
from crispen.media.picture import embedding, exif_orientation, texts, xmp
from crispen.media.picture.header import Header, Metadata
from crispen.media.picture.vips import vips

_TITLES = {
    "exif": "EXIF",
    "xmp": "XMP",
    "iptc": "IPTC",
    "photoshop": "Photoshop's copyright flag, address or paths",
    "comment": "comment",
}
# libvips does not write EXIF into an AVIF byte for byte; `embedding.finish` replaces this by the
# real one.
_STAND_IN = b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"
_DPI = 72.0  # what viewers assume if a file says nothing


def stored_header(header: Header, kind: PictureFormat, *, deep: bool, strip: bool) -> Header:
    """`header` as passed to the encoder."""
    channels = header.channels - (1 if header.has_alpha and not kind.alpha else 0)
    meta = header.metadata
    stored = replace(header, channels=channels, format=kind.name)
    stored = replace(stored, dtype=header.dtype if deep else "uint8", lossless=False)
    if strip:
        meta = Metadata(icc=meta.icc, cicp=meta.cicp, delays_ms=meta.delays_ms, loop=meta.loop)
    dropped: dict[str, Any] = {"texts": ()} if "texts" not in kind.holds else {}
    dropped |= {n: None for n in _TITLES if n not in kind.holds}
    meta = replace(meta, **dropped)
    size = header.width, header.height
    more = kind.name == "jpeg" and meta.xmp_more is not None
    return replace(
        stored,
        metadata=replace(
            meta,
            exif=exif_orientation.for_result(meta.exif, *size) if meta.exif else None,
            xmp=xmp.for_result(meta.xmp, *size, more=more) if meta.xmp else None,
            xmp_more=meta.xmp_more if more else None,
        ),
    )


def left_out(meta: Metadata, kind: PictureFormat) -> list[str]:
    """A note if there is something that the format cannot hold."""
    names = []
    for name, title in _TITLES.items():
        content = getattr(meta, name)
        # Comments are split; the others are not.
        large = kind.name == "jpeg" and name != "comment" and not embedding.fits_jpeg(content)
        if content and (name not in kind.holds or large):
            names.append(title)
    if meta.xmp_more and kind.name != "jpeg":
        names.append("extended XMP")
    if meta.texts and "texts" not in kind.holds:
        names.append(f"PNG text ({', '.join(texts.text_keys(meta.texts))})")
    notes = [f"left out, since {kind.title} cannot hold it: {', '.join(names)}"] if names else []
    if kind.name == "tiff" and meta.exif and exif_orientation.has_makers_notes(meta.exif):
        notes.append("makers' notes were left out: their internal offsets would be wrong in a TIFF")
    gone = xmp.companions(meta.xmp) if meta.xmp else []
    return notes + ([f"left out: {' and '.join(gone)}"] if gone else [])


def reductions(header: Header, stored: Header, kind: PictureFormat) -> list[str]:
    """Notes on what the pixels lost: transparency, depth, colours."""
    name = kind.title
    notes = []
    if stored.channels < header.channels:
        notes.append(f"its transparency was laid on white: {name} holds none")
    if stored.dtype != header.dtype:
        limit = "Crispen writes" if kind.deep or kind.deep_grey else f"{name} holds"
        where = " of this" if limit.startswith("Crispen") else ""
        notes.append(f"its 16 bits were rounded to 8: {limit} no more{where}")
    profiled = profile_fits(header.metadata.icc, stored.channels)
    if profiled and not (kind.profile and (kind.grey or stored.channels > 2)):
        notes.append(f"its colours were converted to sRGB: {name} holds no such profile")
    return notes


def kept(meta: Metadata, kind: PictureFormat) -> int:
    """What libvips must write, as ``VipsForeignKeep``: we write the rest byte for byte."""
    exif, xmp, icc, other = 1, 2, 8, 16  # other: the delays of an animation
    kept = icc | other
    if kind.name == "tiff":
        kept |= xmp
    if kind.name == "avif":
        # Otherwise libvips makes up its own EXIF.
        kept |= xmp | (exif if meta.exif else 0)
    return kept


def with_metadata(image: Any, stored: Header) -> Any:
    """`image` with the metadata that its file must hold."""
    meta: Metadata = stored.metadata
    dpi = meta.dpi if meta.dpi is not None else (_DPI, _DPI)
    image = image.copy(xres=dpi[0] / 25.4, yres=dpi[1] / 25.4)
    g = vips().GValue
    image.set_type(g.gstr_type, "resolution-unit", "in")
    fits = profile_fits(meta.icc, stored.channels)
    # Code points replace it: see `embedding.name_colours`.
    instead = stored.format == "avif" and stored.frames == 1 and meta.cicp is not None
    blobs = {
        "icc-profile-data": meta.icc if fits and not instead else None,
        # Other formats get theirs byte for byte, without libvips: it finds an orientation even in
        # damaged EXIF in which readers of EXIF find none, and a TIFF would state it.
        "exif-data": _STAND_IN if stored.format == "avif" and meta.exif else None,
        "xmp-data": meta.xmp,
    }
    for name, blob in blobs.items():
        if blob:
            image.set_type(g.blob_type, name, blob)
    if stored.frames > 1:
        image.set_type(g.gint_type, "page-height", stored.height)
        image.set_type(g.gint_type, "loop", meta.loop)
        delays = (*meta.delays_ms, *([100] * stored.frames))[: stored.frames]
        image.set_type(g.array_int_type, "delay", list(delays))
    return image


def in_srgb(image: Any, depth: int) -> Any:
    """`image` converted by its profile; a damaged profile counts as none, which means sRGB."""

    def converted(x: Any) -> Any:
        return x.icc_transform("srgb", embedded=True, input_profile="srgb", depth=depth)

    # Whether a profile is usable shows only when it is used.
    probe = vips().Image.black(1, 1, bands=image.bands).cast(image.format)
    probe = probe.copy(interpretation=image.interpretation)
    probe.set_type(vips().GValue.blob_type, "icc-profile-data", image.get("icc-profile-data"))
    try:
        converted(probe).write_to_memory()
    except vips().Error:
        vips().vips_lib.vips_error_clear()
        return image
    return converted(image)


def profile_fits(icc: bytes | None, channels: int) -> bool:
    """Whether the profile's colour space has as many channels: PNG readers reject it otherwise."""
    return icc is not None and icc[16:20] == (b"GRAY" if channels < 3 else b"RGB ")
