"""Every picture format that Crispen reads or writes, and what each can hold: the one table of them.

Formats are recognised by their first bytes, never by a file's name, and only the ones listed here
ever reach a decoder: libvips' loaders for SVG, Matlab, ImageMagick and the like, which are not
meant for untrusted files, are never called.
"""

from __future__ import annotations

import functools
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from crispen.errors import MissingExtra, UsageError

HEAD_BYTES = 256
"""How much of a file `sniff` and `describe_stranger` want to see."""


@dataclass(frozen=True, slots=True)
class PictureFormat:
    """What one format can hold, and how it is read and written.

    Attributes:
        name: As in ``Header.format`` and ``--format``.
        title: As people write it.
        suffixes: The first is the usual one.
        mime: Media type.
        magic: Regular expression for the first bytes.
        aliases: Other names for ``--format``.
        max_side: Longest side in pixels, animations counted by frame; 0 means no limit of note.
        deep: Holds more than 8 bits a sample.
        alpha: Holds transparency.
        animated: Holds several frames with delays, all of which are read and written.
        grey: Holds grey as such, and not as RGB.
        profile: Holds a colour profile; without one the pixels are sRGB.
        code_points: Holds colours as code points, and so HDR.
        holds: What beside the pixels is written: ``exif``, ``xmp``, ``iptc``, ``comment``,
            ``texts`` (as fields of `Metadata` are called).
        lossless: It always keeps every sample.
        viewable: Browsers show it.
        quality: Default of ``quality``; 0 where nothing is lost anyway, and where it is not
            written.
        saver: libvips operation, or one of `_savers`; empty for formats that are only read.
        extra: What to install for it, as in ``pip install 'crispen[raw]'``.
        package: What that extra brings, as it is imported.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    mime: str
    magic: bytes
    aliases: tuple[str, ...] = ()
    max_side: int = 0
    deep: bool = False
    alpha: bool = True
    animated: bool = False
    grey: bool = True
    profile: bool = True
    code_points: bool = False
    holds: tuple[str, ...] = ()
    lossless: bool = False
    viewable: bool = True
    quality: int = 0
    saver: str = ""
    extra: str = ""
    package: str = ""

    @property
    def writable(self) -> bool:
        """Whether Crispen writes it."""
        return bool(self.saver)


# fmt: off
_RAW_SUFFIXES = (
    ".dng", ".nef", ".nrw", ".cr2", ".cr3", ".crw", ".arw", ".srf", ".sr2",
    ".raf", ".rw2", ".rwl", ".orf", ".pef", ".srw", ".3fr", ".fff", ".iiq",
    ".erf", ".mef", ".mos", ".mrw", ".dcr", ".kdc", ".x3f", ".gpr",
)
# fmt: on

PICTURES: dict[str, PictureFormat] = {
    f.name: f
    for f in (
        PictureFormat(
            "png",
            "PNG",
            (".png", ".apng"),
            "image/png",
            rb"\x89PNG\r\n\x1a\n",
            deep=True,
            animated=True,
            code_points=True,
            lossless=True,
            holds=("exif", "xmp", "texts"),
            saver="pngsave_target",
        ),
        PictureFormat(
            "jpeg",
            "JPEG",
            (".jpg", ".jpeg", ".jpe", ".jfif"),
            "image/jpeg",
            rb"\xff\xd8\xff",
            aliases=("jpg",),
            max_side=65_500,
            alpha=False,
            quality=95,
            holds=("exif", "xmp", "iptc", "comment"),
            saver="jpegsave_target",
        ),
        PictureFormat(
            "webp",
            "WebP",
            (".webp",),
            "image/webp",
            rb"RIFF.{4}WEBP",
            max_side=16_383,
            animated=True,
            grey=False,
            quality=90,
            holds=("exif", "xmp"),
            saver="webpsave_target",
        ),
        # Before TIFF, as which some of them begin. Others cannot be told from one by that: `choose`
        # in `_tiff_choice` finds them.
        PictureFormat(
            "raw",
            "camera raw",
            _RAW_SUFFIXES,
            "image/x-adobe-dng",
            rb"II\*\0.{4}CR|FUJIFILMCCD-RAW |IIU\0|IIR[OS]|MMOR|FOVb|\0MRM|II\x1a\0.{4}HEAPCCDR"
            rb"|.{4}ftypcrx ",
            deep=True,
            lossless=True,
            viewable=False,
            extra="raw",
            package="rawpy",
        ),
        PictureFormat(
            "tiff",
            "TIFF",
            (".tiff", ".tif"),
            "image/tiff",
            rb"II[*+]\0|MM\0[*+]",
            aliases=("tif",),
            deep=True,
            lossless=True,
            viewable=False,
            holds=("exif", "xmp", "iptc"),
            saver="tiffsave_target",
        ),
        PictureFormat(
            "avif",
            "AVIF",
            (".avif",),
            "image/avif",
            rb".{4}ftyp(avi[fs]|(mif1|msf1|miaf).{4}(.{4}){0,12}?avi[fs])",
            max_side=16_384,
            deep=True,
            animated=True,
            grey=False,
            code_points=True,
            quality=80,
            holds=("exif", "xmp"),
            saver="heifsave_target",
        ),
        PictureFormat(
            "gif",
            "GIF",
            (".gif",),
            "image/gif",
            rb"GIF8[79]a",
            max_side=65_535,
            animated=True,
            grey=False,
            profile=False,
            lossless=True,
            saver="gifsave_target",
        ),
        PictureFormat(
            "heif",
            "HEIC",
            (".heic", ".heif", ".hif"),
            "image/heic",
            rb".{4}ftyp(he[iv][cxms]|heif|mif1|msf1|miaf)",
            deep=True,
            code_points=True,
            viewable=False,
        ),
        PictureFormat(
            "jxl",
            "JPEG XL",
            (".jxl",),
            "image/jxl",
            rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n",
            profile=False,
            viewable=False,
            quality=90,
            holds=("exif", "xmp"),
            saver="jxl",
        ),
        PictureFormat(
            "jp2",
            "JPEG 2000",
            (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
            "image/jp2",
            rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51",
            deep=True,
            viewable=False,
        ),
        PictureFormat("bmp", "BMP", (".bmp", ".dib"), "image/bmp", rb"BM", lossless=True),
        PictureFormat(
            "pnm",
            "PNM",
            (".ppm", ".pgm", ".pbm", ".pnm", ".pam", ".pfm"),
            "image/x-portable-anymap",
            rb"P([1-7]|F|f)[\s#]",
            deep=True,
            lossless=True,
            viewable=False,
        ),
        PictureFormat(
            "ico",
            "ICO",
            (".ico", ".cur"),
            "image/x-icon",
            rb"\0\0[\x01\x02]\0[^\0]\0",
            lossless=True,
        ),
        # Last of all, since a TGA has no signature: kind, no palette or one, sensible depths.
        PictureFormat(
            "tga",
            "TGA",
            (".tga", ".icb", ".vda", ".vst"),
            "image/x-tga",
            rb".(\0[\x02\x03\x0a\x0b]\0{5}|\x01[\x01\x09].{5}).{8}[\x08\x0f\x10\x18\x20][\0-\x3f]",
            lossless=True,
            viewable=False,
        ),
    )
}

IMAGE_SUFFIXES: frozenset[str] = frozenset(s for f in PICTURES.values() for s in f.suffixes)

_BY_SUFFIX = {s: f for f in PICTURES.values() for s in f.suffixes}
_BY_NAME = PICTURES | {alias: f for f in PICTURES.values() for alias in f.aliases}
_MAGIC = {f.name: re.compile(f.magic, re.DOTALL) for f in PICTURES.values()}


def _listed(titles: list[str]) -> str:
    return f"{', '.join(titles[:-1])} or {titles[-1]}"


READABLE = _listed([f.title for f in PICTURES.values()])
WRITABLE = _listed([f.name for f in PICTURES.values() if f.writable])

# What people hand over by mistake, and what would help.
_OTHERS = [
    (re.compile(magic, re.DOTALL | re.IGNORECASE), what)
    for magic, what in (
        (rb"%PDF", "a PDF document; export its pages as PNG first"),
        (rb"%!PS|\xc5\xd0\xd3\xc6", "a PostScript document; export it as PNG first"),
        (rb"8BPS", "a Photoshop document; export it as TIFF or PNG first"),
        (rb"gimp xcf", "a GIMP document; export it as TIFF or PNG first"),
        (rb"#\?(RADIANCE|RGBE)", "Radiance HDR; convert it to 16-bit PNG or TIFF first"),
        (rb"v/1\x01", "OpenEXR; convert it to 16-bit PNG or TIFF first"),
        (rb"DDS ", "a DirectDraw texture (DDS); convert it to PNG first"),
        (rb"qoif", "QOI; convert it to PNG first"),
        (rb"SIMPLE  =", "FITS; convert it to 16-bit TIFF first"),
        (rb".{128}DICM", "DICOM; export it as 16-bit PNG or TIFF first"),
        (rb"AT&TFORM", "DjVu; export its pages as PNG first"),
        (rb"II\xbc\x01", "JPEG XR; convert it to PNG or TIFF first"),
        (rb"BPG\xfb", "BPG; convert it to PNG first"),
        (rb"FLIF", "FLIF; convert it to PNG first"),
        (rb"\x01\xda[\0\x01][\x01\x02]", "SGI; convert it to PNG first"),
        (rb"\x0a[\0-\x05]\x01[\x01\x02\x04\x08]", "PCX; convert it to PNG first"),
        (rb"\xd7\xcd\xc6\x9a|\x01\0\0\0.{36} EMF", "a Windows metafile; export it as PNG first"),
        (rb"\s*/\* XPM", "XPM; convert it to PNG first"),
        (rb"SQLite format 3", "a database"),
        (rb"PK\x03\x04", "a ZIP archive; unpack it first"),
        (rb"7z\xbc\xaf|Rar!|\x1f\x8b", "an archive; unpack it first"),
        (rb"\x1aE\xdf\xa3|.{4}ftyp|RIFF.{4}AVI |FLV\x01|\0\0\x01\xba", "a video"),
        (rb"ID3|RIFF.{4}WAVE|fLaC|OggS", "a sound"),
        (rb"\s*(<!doctype html|<html)", "a web page"),
        (rb"\s*(<svg|<\?xml)", "SVG or XML; export it as PNG first"),
    )
]


def is_image_name(path: str | Path) -> bool:
    """Whether a file of this name is taken for a picture when a folder is searched.

    Formats that need an extra count only where it is installed.

    >>> is_image_name("holiday.JPG"), is_image_name("notes.txt")
    (True, False)
    """
    found = _BY_SUFFIX.get(Path(path).suffix.lower())
    return found is not None and is_installed(found)


def is_installed(kind: PictureFormat) -> bool:
    """Whether what it takes to read `kind` is there."""
    return not kind.package or _is_there(kind.package)


@functools.cache
def _is_there(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def require(kind: PictureFormat, name: str) -> None:
    """Says what to install where `kind` cannot be read.

    Args:
        kind: The format of a file.
        name: What to call that file.

    Raises:
        MissingExtra: With the line to type.
    """
    if not is_installed(kind):
        raise MissingExtra(
            f"{name}: a {kind.title} file; to read it, type: pip install 'crispen[{kind.extra}]'"
        )


def sniff(head: bytes) -> str | None:
    """The format that the first bytes of a file show, or ``None``.

    >>> sniff(b"GIF89a")
    'gif'
    """
    return next((name for name, magic in _MAGIC.items() if magic.match(head)), None)


def describe_stranger(head: bytes) -> str:
    """What the first bytes of an unreadable file look like, for an error's text."""
    for magic, what in _OTHERS:
        if magic.match(head):
            return what
    if head and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head):
        return "text"
    return "something else, or damaged at its start"


def output_format(name: str | None, path: Path | None, fallback: str) -> PictureFormat:
    """The format to write.

    Args:
        name: What the user asked for, if anything: ``"jpg"``, ``"PNG"`` …
        path: The target, whose suffix counts if `name` is not given.
        fallback: For streams: the input's own format.

    Raises:
        UsageError: No such format, or one that is only read.
    """
    if name is None and path is None:
        known = PICTURES.get(fallback)
        return known if known and known.writable else PICTURES["png"]
    asked = (name if name is not None else path.suffix if path else "").lower().lstrip(".")
    found = _BY_NAME.get(asked) or _BY_SUFFIX.get(f".{asked}")
    names = [f.name for f in PICTURES.values() if f.writable]
    if found and found.writable:
        return found
    where = f"{path}: " if path is not None else ""
    what = (
        f"'{asked}' is not a picture format that is written" if asked else "the name has no suffix"
    )
    raise UsageError(f"{where}{what}; choose one of {', '.join(names)}")


def check_fits(name: str, kind: PictureFormat, width: int, height: int, frames: int) -> None:
    """Refuse what a format cannot hold.

    Raises:
        UsageError: Sides of no pixel or too many, or an animation in a format for one picture.
    """
    if min(width, height) < 1:
        raise UsageError(f"{name}: {width}x{height} is not a size; at least 1x1")
    if kind.max_side and max(width, height) > kind.max_side:
        raise UsageError(
            f"{name}: {kind.title} holds at most {kind.max_side} pixels a side, this picture has "
            f"{width}x{height}; use PNG or TIFF"
        )
    if frames > 1 and not kind.animated:
        raise UsageError(
            f"{name}: {kind.title} holds one picture, this animation has {frames} frames; use "
            "GIF, WebP, PNG or AVIF"
        )
