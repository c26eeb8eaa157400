"""Which picture formats Crispen reads and writes, and what each can hold.

Formats are recognised by their first bytes, never by a file's name, and only the ones listed
here ever reach a decoder: libvips' loaders for SVG, Matlab, ImageMagick and the like, which are
not meant for untrusted files, are never called.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crispen.errors import UsageError


@dataclass(frozen=True, slots=True)
class Format:
    """What one format can hold, and how it is written.

    Attributes:
        name: As in ``Header.format`` and ``--format``.
        suffixes: The first is the usual one.
        max_side: Longest side in pixels, animations counted by frame; 0 means no limit of note.
        deep: Holds more than 8 bits a sample.
        alpha: Holds transparency.
        animated: Holds several frames with delays.
        grey: Holds grey as such, and not as RGB.
        profile: Holds a colour profile; without one the pixels are sRGB.
        code_points: Holds colours as code points, and so HDR.
        quality: Default of ``quality``; 0 where nothing is lost anyway.
        saver: libvips operation; empty for formats that are only read.
    """

    name: str
    suffixes: tuple[str, ...]
    max_side: int = 0
    deep: bool = False
    alpha: bool = True
    animated: bool = False
    grey: bool = True
    profile: bool = True
    code_points: bool = False
    quality: int = 0
    saver: str = ""

    @property
    def writable(self) -> bool:
        """Whether Crispen writes it."""
        return bool(self.saver)


FORMATS = {
    f.name: f
    for f in (
        Format("png", (".png",), deep=True, code_points=True, saver="pngsave_target"),
        Format(
            "jpeg",
            (".jpg", ".jpeg", ".jpe", ".jfif"),
            max_side=65_500,
            alpha=False,
            quality=95,
            saver="jpegsave_target",
        ),
        Format(
            "webp",
            (".webp",),
            max_side=16_383,
            animated=True,
            grey=False,
            quality=90,
            saver="webpsave_target",
        ),
        Format("tiff", (".tif", ".tiff"), deep=True, saver="tiffsave_target"),
        Format(
            "avif",
            (".avif",),
            max_side=16_384,
            deep=True,
            grey=False,
            code_points=True,
            quality=80,
            saver="heifsave_target",
        ),
        Format(
            "gif",
            (".gif",),
            max_side=65_535,
            animated=True,
            grey=False,
            profile=False,
            saver="gifsave_target",
        ),
        Format("bmp", (".bmp", ".dib")),
    )
}

IMAGE_SUFFIXES: frozenset[str] = frozenset(s for f in FORMATS.values() for s in f.suffixes)

READABLE = "PNG, JPEG, WebP, TIFF, AVIF, GIF or BMP"

_BY_SUFFIX = {s: f for f in FORMATS.values() for s in f.suffixes}

# What people hand over by mistake, and what would help.
_OTHERS = (
    (b"%PDF", "a PDF document; export its pages as PNG first"),
    (b"\xff\x0a", "JPEG XL; convert it to PNG first"),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL; convert it to PNG first"),
    (b"8BPS", "a Photoshop document; export it as TIFF or PNG first"),
    (b"PK\x03\x04", "a ZIP archive; unpack it first"),
    (b"\x1aE\xdf\xa3", "a video"),
)


def is_image_name(path: str | Path) -> bool:
    """Whether a file of this name is taken for a picture when a folder is searched.

    >>> is_image_name("holiday.JPG"), is_image_name("notes.txt")
    (True, False)
    """
    return Path(path).suffix.lower() in IMAGE_SUFFIXES


def sniff(head: bytes) -> str | None:
    """The format that the first bytes of a file show, or ``None``.

    >>> sniff(b"GIF89a")
    'gif'
    """
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "tiff"
    if head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis", b"mif1", b"msf1", b"heic"):
        return "avif"
    if head.startswith(b"BM"):
        return "bmp"
    return None


def describe_stranger(head: bytes) -> str:
    """What the first bytes of an unreadable file look like, for an error's text."""
    for magic, what in _OTHERS:
        if head.startswith(magic):
            return what
    if head[4:8] == b"ftyp":
        return "a video or a HEIC photo"
    start = head.lstrip()[:14].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    if start.startswith((b"<svg", b"<?xml")):
        return "SVG or XML; export it as PNG first"
    if head and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head):
        return "text"
    return "something else, or damaged at its start"


def output_format(name: str | None, path: Path | None, fallback: str) -> Format:
    """The format to write.

    Args:
        name: What the user asked for, if anything: ``"jpg"``, ``"PNG"`` …
        path: The target, whose suffix counts if `name` is not given.
        fallback: For streams: the input's own format.

    Raises:
        UsageError: No such format, or one that is only read.
    """
    if name is None and path is None:
        known = FORMATS.get(fallback)
        return known if known and known.writable else FORMATS["png"]
    asked = (name if name is not None else path.suffix if path else "").lower().lstrip(".")
    found = FORMATS.get(asked) or _BY_SUFFIX.get(f".{asked}")
    names = [f.name for f in FORMATS.values() if f.writable]
    if found and found.writable:
        return found
    where = f"{path}: " if path is not None else ""
    what = (
        f"'{asked}' is not a picture format that is written" if asked else "the name has no suffix"
    )
    raise UsageError(f"{where}{what}; choose one of {', '.join(names)}")
