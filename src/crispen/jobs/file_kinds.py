"""Recognises files by content; suffixes and media types of results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crispen.enhance.naming import ANIMATION_FORMATS
from crispen.enhance.source import damage_in, jpeg_step, video_source
from crispen.enhance.video.damage import damage_in_clip
from crispen.errors import CrispenError, InputError
from crispen.jobs.error_texts import for_everyone
from crispen.jobs.job_facts import Source
from crispen.look.crops import peeked
from crispen.media import formats, signatures, video_formats
from crispen.media.format_choice import video_read_by

if TYPE_CHECKING:
    from crispen.media.video.header import VideoHeader

# Format → suffix and media type; these are the only suffixes in the data folder.
PICTURES = {f.name: (f.suffixes[0], f.mime) for f in formats.PICTURES.values()}
VIDEOS = {
    f.name: (f.suffixes[0], f.mime) for f in video_formats.VIDEOS.values() if f.muxer and f.offered
}
# Animated pictures that videos can become.
ANIMATIONS = {name: PICTURES[name] for name in ANIMATION_FORMATS}
# Formats without quality, and read-only formats.
LOSSLESS = frozenset(f.name for f in formats.PICTURES.values() if not f.quality)
UNWRITTEN = frozenset(f.name for f in formats.PICTURES.values() if not f.writable)

_VIEWABLE_SIDE_PX = 16_384
_BAND_ROWS = 256
_VIEWABLE_PIXELS = 100_000_000
# What FFmpeg's decoders call the codecs of WebM.
_WEB_CODECS = {
    **dict.fromkeys(("vp9", "libvpx-vp9", "vp8", "libvpx"), "vp9"),
    **dict.fromkeys(("av1", "libdav1d", "libaom-av1"), "av1"),
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of a source."""

    max_pixels: int
    max_frames: int
    max_video_s: float


def examine(path: Path, name: str, bounds: Bounds) -> Source:
    """What a file holds; its name is used in error messages only.

    Raises:
        InputError: Neither a picture nor a video that can be read, or beyond the bounds.
    """
    try:
        with path.open("rb") as file:
            head = file.read(signatures.HEAD_BYTES)
        if not head:
            raise InputError(f"{name}: the file is empty; choose another")
        if signatures.sniff(head) is not None:
            return _picture(path, name, bounds)
        return _video(path, name, bounds, head)
    except CrispenError as error:
        raise InputError(renamed(error, path, name)) from error


def renamed(error: Exception, path: Path, name: str) -> str:
    """An error's line with the user's file name in place of our path.

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
        try:
            top, _ = peeked(picture.bands(_BAND_ROWS), header.height)
            damage = damage_in(top, path)
        except InputError:  # damaged further down; reading all of it reports that
            damage = None
    return Source(
        kind="image",
        type=PICTURES[header.format][1],
        format=header.format,
        width=header.width,
        height=header.height,
        frames=header.frames,
        jpeg_step=jpeg_step(path),
        damage=damage,
        bytes=path.stat().st_size,
        duration_s=sum(header.metadata.delays_ms) / 1000 if header.frames > 1 else None,
        viewable=viewable_picture(header.format, header.width, header.height),
    )


def _video(path: Path, name: str, bounds: Bounds, head: bytes) -> Source:
    from crispen.media.video.container import probe

    try:
        header = probe(path)
    except InputError as error:
        looks = signatures.describe_stranger(head)
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
    read = video_read_by(header.container)
    format = header.container if read is None else read.name
    if format == "mp4" and head[8:12] == b"qt  ":
        format = "mov"
    if format == "mkv" and header.codec in _WEB_CODECS:
        format = "webm"
    row = video_formats.VIDEOS.get(format)
    return Source(
        **dict(video_source(header, format, damage_in_clip(path))),
        type="video/x-other" if row is None else row.mime,
        bytes=path.stat().st_size,
        duration_s=seconds,
        viewable=row is not None and _viewable_codec(header) in row.browsers,
    )


def _viewable_codec(header: VideoHeader) -> str:
    """The codec, as formats list it, of a video that browsers can decode; else empty."""
    if header.codec == "h264":
        return "h264" if header.format.name in ("yuv420p", "yuvj420p") else ""
    return _WEB_CODECS.get(header.codec, "")


def viewable_picture(format: str, width: int, height: int) -> bool:
    """Whether browsers can show such a picture directly."""
    small = max(width, height) <= _VIEWABLE_SIDE_PX and width * height <= _VIEWABLE_PIXELS
    return small and formats.PICTURES[format].viewable


def suffix_and_type(format: str) -> tuple[str, str]:
    """Suffix and media type of a format."""
    return PICTURES.get(format) or VIDEOS[format]
