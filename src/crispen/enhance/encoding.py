"""How a video is encoded: the codec, its settings, and the size and format of its input."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from crispen.enhance.request import Request
from crispen.enhance.source import Source
from crispen.errors import UsageError
from crispen.media.format_choice import video_of
from crispen.media.formats import PictureFormat
from crispen.media.video.box import Box
from crispen.media.video.codecs import PIXEL_FORMATS, encoder_formats, find_codec
from crispen.media.video.pixel_formats import (
    Planar,
    choose_format,
    planar_named,
    source_format,
)
from crispen.media.video.video_codec import VideoCodec

# Codecs whose files are made for players, of which many take colours in 4:2:0 alone.
_FOR_PLAYERS = ("h264", "hevc", "vp9", "av1")


def codec_for(
    request: Request, suffix: str, source: Source | None = None
) -> tuple[VideoCodec, dict[str, str], tuple[str, ...]]:
    """The codec of a video, FFmpeg's options for it, and notes for the user.

    Args:
        request: What is requested.
        suffix: Of the file to write.
        source: The video, if it is known: its kind decides what the usual codec is.

    Raises:
        UsageError: The container does not hold the codec, or the codec has no such setting.
    """
    codec = find_codec(
        request.codec,
        suffix,
        hdr=source is not None and source.hdr,
        alpha=None if source is None else _kept_alpha(request, source),
    )
    if request.pix_fmt is not None:
        _wanted(codec, request.pix_fmt)  # raises if the codec does not accept it
    crf = crf_of(request)
    notes: tuple[str, ...] = ()
    if request.crf is None and crf is not None:
        if codec.crf is None:
            crf, notes = None, (f"{codec.name} has no quality setting, so quality was left out",)
        else:
            crf = min(codec.max_crf, crf)
    return codec, codec.options(crf, request.preset, quick=request.realtime), notes


def unrolled_request(request: Request, suffix: str) -> Request:
    """The request for an animated picture that becomes a video.

    Args:
        request: What is requested.
        suffix: Of the file to write.
    """
    more: dict[str, str] = {"deinterlace": request.deinterlace or "off"}
    codec, _, _ = codec_for(request, suffix)
    if request.pix_fmt is None and codec.family in _FOR_PLAYERS:
        more["pix_fmt"] = "yuv420p"
    return request.model_copy(update=more)


def unrolled_source(source: Source) -> Source:
    """An animated picture as the video that it is made into first."""
    film = {"kind": "video", "pixel_format": "rgb24", "codec": "qtrle", "damage": None}
    return source.model_copy(update=film)


def rolled_request(request: Request, kind: PictureFormat) -> Request:
    """The request for the lossless clip from which an animated picture is written.

    Args:
        request: What is requested.
        kind: The animated picture.

    Raises:
        UsageError: An option for codecs of videos.
    """
    for name in ("codec", "crf", "preset", "pix_fmt"):
        if getattr(request, name) is not None:
            word = name.replace("_", "-")
            raise UsageError(
                f"--{word} is for videos, and the result is an animated {kind.title}; leave it out",
                field=name,
            )
    lossless: dict[str, Any] = {"codec": "ffv1", "pix_fmt": "yuv444p"}
    return request.model_copy(update={**lossless, "quality": None, "format": None})


def _kept_alpha(request: Request, source: Source) -> str | None:
    """The source's codec if it has transparency and no option rules out codecs that hold it."""
    asked = (request.crf, request.preset, request.pix_fmt)
    return source.codec if source.alpha and all(one is None for one in asked) else None


def crf_of(request: Request) -> float | None:
    """The quality of a video on a codec's own scale, before the codec's limits; None if not given.

    >>> crf_of(Request(quality=50)), crf_of(Request(quality=50, crf=20.0))
    (32, 20.0)
    """
    if request.crf is not None or request.quality is None:
        return request.crf
    # 100 is CRF 10, indistinguishable from the source; 50 is CRF 32.
    return round(10 + (100 - request.quality) * 0.44)


class Frames(NamedTuple):
    """Input of an encoder.

    Attributes:
        size: Width and height as shown.
        padding: How many of its columns and rows repeat the edge.
        pixel_format: FFmpeg's name.
        notes: Notes for the user.
    """

    size: tuple[int, int]
    padding: tuple[int, int]
    pixel_format: str
    notes: list[str]


def _wanted(codec: VideoCodec, name: str) -> Planar:
    form = planar_named(name)
    offered = encoder_formats(codec)
    if form.name not in offered:
        raise UsageError(
            f"{codec.name} does not take --pix-fmt {name}; choose one of "
            f"{', '.join(one for one in PIXEL_FORMATS if one in offered)}, or another --codec"
        )
    return form


def frames_for(
    codec: VideoCodec,
    source: Source,
    size: tuple[int, int],
    suffix: str,
    pix_fmt: str | None = None,
) -> Frames:
    """The encoder's input for a result of that size.

    Args:
        codec: The encoder.
        source: The video.
        size: Width and height of the result, as shown.
        suffix: Of the file to write.
        pix_fmt: Requested pixel format; the least lossy one unless given.
    """
    if not source.pixel_format:
        return Frames(size, (0, 0), "", [])
    from av import VideoFormat

    notes = []
    held = source_format(VideoFormat(source.pixel_format))
    if pix_fmt is not None:
        chosen: Planar | None = _wanted(codec, pix_fmt)
    else:
        wanted = replace(held.planar, alpha=held.alpha and _holds_alpha(codec, suffix))
        chosen = choose_format(wanted, encoder_formats(codec))
    if chosen is None:
        raise UsageError(f"{codec.name} takes no pixel format Crispen knows; use h264")
    if held.rgb:
        notes.append(f"its RGB ({held.name}) is written as {chosen.label()} BT.709")
    elif replace(chosen, alpha=False) != held.planar and pix_fmt is None:
        notes.append(f"{held.planar.label()} becomes {chosen.label()}, which {codec.name} can hold")
    if held.alpha and not chosen.alpha:
        why = "" if _holds_alpha(codec, suffix) else f": {codec.name} in {suffix} files holds none"
        notes.append(f"its transparency is left out{why}")
    coded, padding = _coded(size, codec, chosen, source)
    if padding != (0, 0):
        notes.append(f"{size[0]}x{size[1]} is coded as {coded[0]}x{coded[1]}: its edge is repeated")
    elif coded != size:
        notes.append(
            f"{size[0]}x{size[1]} becomes {coded[0]}x{coded[1]}: {chosen.label()} needs even sides"
        )
    return Frames(coded, padding, chosen.name, notes)


def _holds_alpha(codec: VideoCodec, suffix: str) -> bool:
    return codec.name in video_of(suffix).alpha


def cut_out(source: Source, box: Box) -> Source:
    """A video cropped to a rectangle.

    Raises:
        UsageError: The rectangle cannot be cropped.
    """
    step = (1, 1)
    if source.pixel_format:
        from av import VideoFormat

        step = source_format(VideoFormat(source.pixel_format)).planar.step
    across, down = reversed(step) if source.turned else step
    box.check((source.width, source.height), (across, down))
    return source.model_copy(update={"width": box.width, "height": box.height})


def _coded(
    size: tuple[int, int], codec: VideoCodec, form: Planar, source: Source
) -> tuple[tuple[int, int], tuple[int, int]]:
    """The size that the encoder takes, and how many of its columns and rows only repeat the edge.

    If every pixel of the source becomes a whole number of pixels, padding moves none.
    """
    across, down = (1, 1) if codec.odd else form.step
    if source.turned:
        across, down = down, across
    padding = -size[0] % across, -size[1] % down
    if size[0] % source.width == size[1] % source.height == 0:
        return (size[0] + padding[0], size[1] + padding[1]), padding
    even = max(across, size[0] // across * across), max(down, size[1] // down * down)
    return even, (0, 0)
