"""Recognises files by their first bytes; names prove nothing."""

from __future__ import annotations

import re
from pathlib import Path

from crispen.media.formats import PICTURES
from crispen.media.video_formats import VIDEOS

HEAD_BYTES = 256
"""How much of a file `sniff` and `describe_stranger` need."""

_MAGIC = {f.name: re.compile(f.magic, re.DOTALL) for f in PICTURES.values()}

_VIDEO = re.compile(b"|".join(f.magic for f in VIDEOS.values() if f.magic), re.DOTALL)

# Files passed by mistake, and what would help.
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
        (_VIDEO.pattern, "a video"),
        (rb"ID3|RIFF.{4}WAVE|fLaC|OggS", "a sound"),
        (rb"\s*(<!doctype html|<html)", "a web page"),
        (rb"\s*(<svg|<\?xml)", "SVG or XML; export it as PNG first"),
    )
]


def sniff(head: bytes) -> str | None:
    """The format that the first bytes of a file show, or ``None``.

    >>> sniff(b"GIF89a")
    'gif'
    """
    return next((name for name, magic in _MAGIC.items() if magic.match(head)), None)


def is_video(head: bytes) -> bool:
    r"""Whether a file that begins like this is a video, not a picture.

    >>> is_video(b"\x1a\x45\xdf\xa3"), is_video(b"GIF89a")
    (True, False)
    """
    return sniff(head) is None and _VIDEO.match(head) is not None


def is_motion_jpeg(path: Path) -> bool:
    """Whether a file is a video of JPEGs without a container, which only its name tells."""
    if path.suffix.lower() not in VIDEOS["mjpeg"].suffixes or not path.is_file():
        return False
    with path.open("rb") as file:
        return sniff(file.read(HEAD_BYTES)) == "jpeg"


def describe_stranger(head: bytes) -> str:
    """What the first bytes of an unreadable file look like, for an error's text."""
    for magic, what in _OTHERS:
        if magic.match(head):
            return what
    if head and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head):
        return "text"
    return "something else, or damaged at its start"
