"""Which format a name means, which one to write, and whether it can hold a result."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

from crispen.errors import MissingExtra, UsageError
from crispen.media.formats import PICTURES, PictureFormat
from crispen.media.video_formats import VIDEO_SUFFIXES, VIDEOS, VideoFormat

_BY_NAME = PICTURES | {alias: f for f in PICTURES.values() for alias in f.aliases}


_BY_SUFFIX = {s: f for f in PICTURES.values() for s in f.suffixes}


def is_image_name(path: str | Path) -> bool:
    """Whether a file of this name is treated as a picture when a folder is searched.

    Formats that need an extra count only if it is installed.

    >>> is_image_name("holiday.JPG"), is_image_name("notes.txt")
    (True, False)
    """
    found = _BY_SUFFIX.get(Path(path).suffix.lower())
    return found is not None and is_installed(found)


def is_video_name(path: str | Path) -> bool:
    """Whether a file's name says that it is a video.

    >>> is_video_name("clip.MP4"), is_video_name("photo.jpg")
    (True, False)
    """
    return Path(path).suffix.lower() in VIDEO_SUFFIXES


def animation_of(path: str | Path) -> PictureFormat | None:
    """The animated picture format of a result of that name, if it is made from a video.

    A PNG's usual suffix is that of a still.

    >>> animation_of("a.gif").title, animation_of("a.png")
    ('GIF', None)
    """
    suffix = Path(path).suffix.lower()
    found = None if suffix == ".png" else _BY_SUFFIX.get(suffix)
    return found if found is not None and found.animated and found.writable else None


def video_of(suffix: str) -> VideoFormat:
    """The container to write for that suffix; MKV for any unknown suffix."""
    written = (f for f in VIDEOS.values() if f.muxer and suffix.lower() in f.suffixes)
    return next(written, VIDEOS["mkv"])


def video_read_by(demuxer: str) -> VideoFormat | None:
    """The container that FFmpeg's demuxer of that name reads."""
    return next((f for f in VIDEOS.values() if f.demuxer == demuxer), None)


def is_installed(kind: PictureFormat) -> bool:
    """Whether everything needed to read `kind` is installed."""
    return not kind.package or _is_there(kind.package)


@functools.cache
def _is_there(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def require(kind: PictureFormat, name: str) -> None:
    """Says what to install if `kind` cannot be read.

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


def needs_more(path: Path) -> None:
    """Says what to install if a file's name is that of a format that needs an extra.

    Raises:
        MissingExtra: With the line to type.
    """
    found = _BY_SUFFIX.get(path.suffix.lower())
    if found is not None:
        require(found, str(path))


def output_format(name: str | None, path: Path | None, fallback: str) -> PictureFormat:
    """The format to write.

    Args:
        name: What the user requested, if anything: ``"jpg"``, ``"PNG"`` …
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
        UsageError: Sides of zero or too many pixels, or an animation in a still format.
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
