"""Names of results."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from crispen.enhance.target import Target
from crispen.errors import UsageError
from crispen.media.formats import PICTURES
from crispen.media.video_formats import MUXERS, VIDEOS

# Nearly every file system allows 255; the temporary file has a longer name than the result.
MAX_NAME_BYTES = 240

# Suffix of each format that can be requested, and of its aliases.
_WRITTEN = [f for f in PICTURES.values() if f.writable]
PICTURE_FORMATS = dict(
    sorted(
        {
            **{f.name: f.suffixes[0] for f in _WRITTEN},
            **{a: s for f in _WRITTEN for a in f.aliases for s in f.suffixes if s[1:] == a},
        }.items()
    )
)
VIDEO_FORMATS = dict(
    sorted((f.name, f.suffixes[0]) for f in VIDEOS.values() if f.muxer and f.offered)
)
# Those of videos that become animated pictures; a PNG's usual suffix is that of a still.
ANIMATION_FORMATS = dict(
    sorted((f.name, f.suffixes[0]) for f in _WRITTEN if f.animated and f.name != "png")
)
_OF_VIDEOS = VIDEO_FORMATS | ANIMATION_FORMATS

# Suffixes that stay; anything else becomes PNG or MKV, which can hold everything.
_KEPT_PICTURES = {s for f in _WRITTEN for s in f.suffixes} | {".apng"}
_KEPT_VIDEOS = frozenset(MUXERS)
# Canonical suffix among those of the same kind of file.
_SAME = {s: f.suffixes[0] for f in _WRITTEN for s in f.suffixes} | {
    s: next(other for other in MUXERS if MUXERS[other] == muxer) for s, muxer in MUXERS.items()
}


def label_of(target: Target, tasks: Sequence[str] = (), strength: float = 1.0) -> str:
    """The label in a result's name: its size, and the other tasks.

    Args:
        target: Requested size.
        tasks: Of the models that leave the size as it is.
        strength: Of those.

    >>> label_of(Target(scale=2)), label_of(Target(scale=1), ["denoise"])
    ('x2', 'denoise')
    >>> label_of(Target(width=800), ["denoise", "sharpen"], 0.7)
    'denoise-sharpen-0.7-w800'
    """
    size = target.label
    if not tasks:
        return size
    parts = [*dict.fromkeys(tasks)]
    if strength != 1.0:
        parts.append(f"{round(strength, 3):g}")
    return "-".join(parts if size == "x1" else [*parts, size])


def check_format(name: str, *, pictures: bool = True, videos: bool = True) -> None:
    """Refuse a format that cannot be written, or that suits none of the inputs.

    Args:
        name: Requested name.
        pictures: Whether there are pictures among the inputs.
        videos: Whether there are videos among them.

    Raises:
        UsageError: The message lists the available formats.
    """
    more = VIDEO_FORMATS if pictures else _OF_VIDEOS
    known = [*(PICTURE_FORMATS if pictures else ()), *(more if videos else ())]
    asked = name.lower()
    if asked in known:
        return
    choice = f"choose one of {', '.join(known)}"
    if asked in VIDEO_FORMATS or asked in PICTURE_FORMATS:
        this, that = ("videos", "a picture") if asked in VIDEO_FORMATS else ("pictures", "a video")
        raise UsageError(f"--format {name} is for {this}, and the input is {that}; {choice}")
    raise UsageError(f"--format {name}: this format cannot be written; {choice}")


def picture_format(asked: str | None) -> str | None:
    """The requested format, if it is one for pictures.

    >>> picture_format("png"), picture_format("mp4")
    ('png', None)
    """
    return asked if asked is not None and asked.lower() in PICTURE_FORMATS else None


def check_name(path: Path, format: str | None, *, video: bool) -> None:
    """Refuse a result whose name and format contradict each other.

    Raises:
        UsageError: ``-o a.png --format jpeg``.
    """
    asked = (_OF_VIDEOS if video else PICTURE_FORMATS).get((format or "").lower())
    kept = suffix_for(path, video=video, format=format) == path.suffix
    if asked is not None and not kept:
        raise UsageError(f"{path}: its name does not fit --format {format}; leave one of them out")


def suffix_for(source: Path, *, video: bool, format: str | None) -> str:
    """The result's suffix: that of the format if it fits the kind of file, else the source's."""
    asked = (_OF_VIDEOS if video else PICTURE_FORMATS).get((format or "").lower())
    kept = source.suffix.lower() in (_KEPT_VIDEOS if video else _KEPT_PICTURES)
    if asked is not None:
        suffix = source.suffix.lower()
        return source.suffix if _SAME.get(suffix, suffix) == _SAME.get(asked, asked) else asked
    if kept:
        return source.suffix
    return ".mkv" if video else ".png"


def tail_beside(source: Path, label: str, *, video: bool, format: str | None) -> str:
    """The part after the source's stem in the name of a result without ``-o``.

    >>> tail_beside(Path("a/photo.jpg"), "x2", video=False, format=None)
    '.x2.jpg'
    """
    return f".{label}{suffix_for(source, video=video, format=format)}"


def fitting(folder: Path, stem: str, tail: str) -> Path:
    """``folder/STEMTAIL``, with as much of the stem as a file's name can hold.

    >>> fitting(Path("a"), "photo", ".x2.jpg").name
    'photo.x2.jpg'
    """
    room = MAX_NAME_BYTES - len(os.fsencode(tail))
    while len(os.fsencode(stem)) > room and len(stem) > 1:
        stem = stem[:-1]
    return folder / f"{stem}{tail}"
