"""Videos that come from animated pictures, and those that become some."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from crispen.enhance.encoding import rolled_request, unrolled_request
from crispen.enhance.plan import video_suffix
from crispen.enhance.request import Request
from crispen.media.format_choice import animation_of
from crispen.media.formats import PictureFormat
from crispen.media.video.animation import GIF_MOST_FPS, is_picture, not_held, too_fast, unroll
from crispen.media.video.header import VideoHeader
from crispen.progress import Progress


class Clip(NamedTuple):
    """A video that can be decoded.

    Attributes:
        path: The file.
        request: What is wanted of it.
        notes: What a person should know.
    """

    path: Path
    request: Request
    notes: tuple[str, ...] = ()


@contextmanager
def as_clip(source: Path, target: Path, request: Request, progress: Progress) -> Iterator[Clip]:
    """The source, if it is a video; an animated picture as a clip that is there as long as this.

    Raises:
        UsageError: A picture that is no animation.
        InputError: It cannot be read.
    """
    if not is_picture(source):
        yield Clip(source, request)
        return
    if animation_of(target) is None:
        request = unrolled_request(request, video_suffix(target))
    else:
        request = request.model_copy(update={"deinterlace": request.deinterlace or "off"})
    with tempfile.TemporaryDirectory(prefix="crispen-") as folder:
        clip = Path(folder) / source.name  # which progress shows
        notes = unroll(source, clip, progress.check)
        yield Clip(clip, request, notes)


def as_animation(
    request: Request, header: VideoHeader, kind: PictureFormat
) -> tuple[Request, tuple[str, ...]]:
    """The request for segments without loss, and what a person should know.

    Args:
        request: What is wanted.
        header: Of the source.
        kind: The animated picture that it becomes.

    Raises:
        UsageError: An option for codecs of videos.
    """
    lossless = rolled_request(request, kind)
    more: dict[str, Any] = {"streams": "video"}
    notes = not_held(header, kind)
    if kind.name == "gif" and too_fast(request.rate or header.rate):
        more["fps"] = Fraction(GIF_MOST_FPS)
        notes += (f"GIF shows at most {GIF_MOST_FPS} frames a second: the others are left out",)
    return lossless.model_copy(update=more), notes
