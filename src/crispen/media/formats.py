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
        lossless: It always keeps every sample.
        viewable: Browsers show it.
        quality: Default of ``quality``; 0 where nothing is lost anyway, and where it is not
            written.
        saver: libvips operation; empty for formats that are only read.
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
            (".png",),
            "image/png",
            rb"\x89PNG\r\n\x1a\n",
            deep=True,
            code_points=True,
            lossless=True,
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
            saver="tiffsave_target",
        ),
        PictureFormat(
            "avif",
            "AVIF",
            (".avif",),
            "image/avif",
            rb".{4}ftyp(avif|avis|mif1|msf1|heic)",
            max_side=16_384,
            deep=True,
            grey=False,
            code_points=True,
            quality=80,
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
        PictureFormat("bmp", "BMP", (".bmp", ".dib"), "image/bmp", rb"BM", lossless=True),
    )
}

IMAGE_SUFFIXES: frozenset[str] = frozenset(s for f in PICTURES.values() for s in f.suffixes)

_BY_SUFFIX = {s: f for f in PICTURES.values() for s in f.suffixes}
_BY_NAME = PICTURES | {alias: f for f in PICTURES.values() for alias in f.aliases}
_MAGIC = {f.name: re.compile(f.magic, re.DOTALL) for f in PICTURES.values()}


def _listed(titles: list[str]) -> str:
    return f"{', '.join(titles[:-1])} or {titles[-1]}"


READABLE = _listed([f.title for f in PICTURES.values()])

# What people hand over by mistake, and what would help.
_OTHERS = [
    (re.compile(magic, re.DOTALL), what)
    for magic, what in (
        (rb"%PDF", "a PDF document; export its pages as PNG first"),
        (
            rb"\xff\x0a|\0\0\0\x0cJXL ",
            "JPEG XL; convert it to PNG first",
        ),
        (rb"8BPS", "a Photoshop document; export it as TIFF or PNG first"),
        (rb"PK\x03\x04", "a ZIP archive; unpack it first"),
        (rb"\x1aE\xdf\xa3", "a video"),
        (rb".{4}ftyp", "a video or a HEIC photo"),
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
    start = head.lstrip()[:14].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    if start.startswith((b"<svg", b"<?xml")):
        return "SVG or XML; export it as PNG first"
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
