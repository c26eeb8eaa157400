"""What a file is by its content, and what results of each format are called and served as."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crispen.enhance.source import jpeg_step, video_source
from crispen.errors import CrispenError, InputError
from crispen.jobs.options import Source
from crispen.jobs.wording import for_everyone
from crispen.look.crops import measure, peeked
from crispen.look.looking import dials_of
from crispen.media import formats

# Format → suffix and media type; these are the only suffixes in the data folder.
PICTURES = {f.name: (f.suffixes[0], f.mime) for f in formats.PICTURES.values()}
VIDEOS = {
    "mp4": (".mp4", "video/mp4"),
    "mov": (".mov", "video/quicktime"),
    "mkv": (".mkv", "video/x-matroska"),
    "webm": (".webm", "video/webm"),
}
# Formats without quality, and those that are only read.
LOSSLESS = frozenset(f.name for f in formats.PICTURES.values() if not f.quality)
UNWRITTEN = frozenset(f.name for f in formats.PICTURES.values() if not f.writable)

_CONTAINERS = {
    "mov,mp4,m4a,3gp,3g2,mj2": "mp4",
    "matroska,webm": "mkv",
    "avi": "avi",
    "mpegts": "mpegts",
    "mpeg": "mpeg",
    "flv": "flv",
    "asf": "asf",
    "ogg": "ogg",
}
_OTHER_VIDEOS = {
    "avi": "video/x-msvideo",
    "mpegts": "video/mp2t",
    "mpeg": "video/mpeg",
    "flv": "video/x-flv",
    "asf": "video/x-ms-asf",
    "ogg": "video/ogg",
}
_VIEWABLE_SIDE_PX = 16_384
_BAND_ROWS = 256
_VIEWABLE_PIXELS = 100_000_000
_WEB_CODECS = frozenset({"vp8", "vp9", "av1", "libdav1d", "libaom-av1", "libvpx-vp9", "libvpx"})


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a source may be at most."""

    max_pixels: int
    max_frames: int
    max_video_s: float


def examine(path: Path, name: str, bounds: Bounds) -> Source:
    """What a file holds; its name only stands in error texts.

    Raises:
        InputError: Neither a picture nor a video that can be read, or beyond the bounds.
    """
    try:
        with path.open("rb") as file:
            head = file.read(formats.HEAD_BYTES)
        if not head:
            raise InputError(f"{name}: the file is empty; choose another")
        if formats.sniff(head) is not None:
            return _picture(path, name, bounds)
        return _video(path, name, bounds, head)
    except CrispenError as error:
        raise InputError(renamed(error, path, name)) from error


def renamed(error: Exception, path: Path, name: str) -> str:
    """An error's line with the name that people know in place of our path.

    >>> renamed(InputError("/data/jobs/1/source: cut"), Path("/data/jobs/1/source"), "a.png")
    'a.png: cut'
    """
    text = for_everyone(str(error))
    for ours in (str(path), str(path.resolve())):
        text = text.replace(ours, name)
    return text.replace(f"{path.parent}/", "").replace(f"{path.resolve().parent}/", "")


def _picture(path: Path, name: str, bounds: Bounds) -> Source:
    from crispen.media.image import open_image

    with open_image(path, max_pixels=bounds.max_pixels) as picture:
        header = picture.header
        if header.frames > bounds.max_frames:
            raise InputError(
                f"{name}: {header.frames:,} frames; at most {bounds.max_frames:,} are taken"
            )
        top, _ = peeked(picture.bands(_BAND_ROWS), header.height)
    return Source(
        kind="image",
        type=PICTURES[header.format][1],
        format=header.format,
        width=header.width,
        height=header.height,
        frames=header.frames,
        damage=dials_of(measure(top), jpeg_step(path)),
        bytes=path.stat().st_size,
        duration_s=sum(header.metadata.delays_ms) / 1000 if header.frames > 1 else None,
        viewable=viewable_picture(header.format, header.width, header.height),
    )


def _video(path: Path, name: str, bounds: Bounds, head: bytes) -> Source:
    from crispen.media.video import probe

    try:
        header = probe(path)
    except InputError as error:
        looks = formats.describe_stranger(head)
        if "video" in looks:
            raise
        raise InputError(
            f"{name}: neither a {formats.READABLE} picture nor a video that can be read; "
            f"it looks like {looks}"
        ) from error
    if header.width * header.height > bounds.max_pixels:
        raise InputError(
            f"{name}: {header.width}x{header.height} is more than {bounds.max_pixels:,} pixels"
        )
    seconds = float(header.frames / header.rate) if header.rate and header.frames else None
    if header.frames > bounds.max_frames:
        raise InputError(
            f"{name}: {header.frames:,} frames; at most {bounds.max_frames:,} are taken"
        )
    if seconds is not None and seconds > bounds.max_video_s:
        raise InputError(
            f"{name}: {seconds:,.0f} seconds; at most {bounds.max_video_s:,.0f} are taken"
        )
    format = _CONTAINERS.get(header.container, header.container)
    if format == "mp4" and head[8:12] == b"qt  ":
        format = "mov"
    if format == "mkv" and header.codec in _WEB_CODECS:
        format = "webm"
    h264 = header.codec == "h264" and header.format.name in ("yuv420p", "yuvj420p")
    return Source(
        **dict(video_source(header, format)),
        type=VIDEOS[format][1] if format in VIDEOS else _OTHER_VIDEOS.get(format, "video/x-other"),
        bytes=path.stat().st_size,
        duration_s=seconds,
        viewable=(format in ("mp4", "mov") and h264)
        or (format in ("webm", "mp4") and header.codec in _WEB_CODECS),
    )


def viewable_picture(format: str, width: int, height: int) -> bool:
    """Whether browsers show such a picture as it is."""
    small = max(width, height) <= _VIEWABLE_SIDE_PX and width * height <= _VIEWABLE_PIXELS
    return small and formats.PICTURES[format].viewable


def suffix_and_type(format: str) -> tuple[str, str]:
    """What files of a format end in, and their media type."""
    return PICTURES.get(format) or VIDEOS[format]
