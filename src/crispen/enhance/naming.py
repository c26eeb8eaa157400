"""What results are called, and which files are results of ours."""

from __future__ import annotations

from pathlib import Path

from crispen.enhance.target import LABEL
from crispen.errors import UsageError, nearest_names

# Suffix of each format that can be asked for.
PICTURE_FORMATS = {
    "avif": ".avif",
    "gif": ".gif",
    "jpeg": ".jpg",
    "jpg": ".jpg",
    "png": ".png",
    "tif": ".tif",
    "tiff": ".tiff",
    "webp": ".webp",
}
VIDEO_FORMATS = {"mkv": ".mkv", "mov": ".mov", "mp4": ".mp4", "webm": ".webm"}

# Suffixes that stay; anything else becomes PNG or MKV, which can hold all that comes.
_KEPT_PICTURES = {*PICTURE_FORMATS.values(), ".jpeg", ".jfif", ".jpe", ".apng"}
_KEPT_VIDEOS = {*VIDEO_FORMATS.values(), ".m4v"}


def check_format(name: str) -> None:
    """Refuse a format that cannot be written.

    Raises:
        UsageError: With the nearest names.
    """
    known = [*PICTURE_FORMATS, *VIDEO_FORMATS]
    if name.lower() not in known:
        raise UsageError(
            f"format '{name}' cannot be written{nearest_names(name.lower(), known)} "
            f"(known: {', '.join(known)})"
        )


def suffix_for(source: Path, *, video: bool, format: str | None) -> str:
    """The result's suffix: that of the format if it fits the kind of file, else the source's."""
    asked = (VIDEO_FORMATS if video else PICTURE_FORMATS).get((format or "").lower())
    kept = source.suffix.lower() in (_KEPT_VIDEOS if video else _KEPT_PICTURES)
    if asked is not None:
        same = {".jpeg": ".jpg", ".tif": ".tiff"}
        suffix = source.suffix.lower()
        return source.suffix if same.get(suffix, suffix) == same.get(asked, asked) else asked
    if kept:
        return source.suffix
    return ".mkv" if video else ".png"


def beside(source: Path, label: str, *, video: bool, format: str | None) -> Path:
    """Where a result stands without ``-o``: ``photo.jpg`` becomes ``photo.x2.jpg``.

    >>> beside(Path("a/photo.jpg"), "x2", video=False, format=None).name
    'photo.x2.jpg'
    """
    suffix = suffix_for(source, video=video, format=format)
    return source.with_name(f"{source.stem}.{label}{suffix}")


def is_earlier_result(path: Path, siblings: set[str]) -> bool:
    """Whether `path` is called like a result whose source stands beside it.

    Args:
        path: ``photo.x2.jpg``.
        siblings: Stems of the other files of that folder.

    >>> is_earlier_result(Path("photo.x2.jpg"), {"photo", "photo.x2"})
    True
    """
    match = LABEL.match(path.stem)
    return match is not None and match["stem"] in siblings
