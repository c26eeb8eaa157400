"""What will be done for a request, decided before any work; or one clear error.

`check` answers what can be said without the file, `plan` all of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from crispen.enhance.chain import Lineup
from crispen.enhance.choice import REALTIME, choose, choose_for_clip
from crispen.enhance.encoding import (
    codec_for,
    cut_out,
    frames_for,
    rolled_request,
    unrolled_request,
    unrolled_source,
)
from crispen.enhance.naming import ANIMATION_FORMATS, PICTURE_FORMATS, VIDEO_FORMATS, label_of
from crispen.enhance.request import Kind, Request
from crispen.enhance.source import Source
from crispen.enhance.target import Target
from crispen.errors import ResultTooLarge, UsageError, nearest_names
from crispen.media.format_choice import animation_of, check_fits, output_format, video_of
from crispen.media.formats import PICTURES
from crispen.media.video.codecs import named_codec
from crispen.media.video_formats import MUXERS
from crispen.models.athand import AtHand
from crispen.models.dials import Dials

_VIDEO_SUFFIXES = tuple(MUXERS)
_LOSSLESS = VIDEO_FORMATS["mkv"]


class Plan(BaseModel):
    """What will be done to one file."""

    model_config = ConfigDict(frozen=True)

    models: tuple[str, ...] = Field(description="the networks that run, in order")
    strength: float = Field(description="how much of what keeps the size is done")
    width: int = Field(description="of the result, as shown")
    height: int = Field(description="of the result, as shown")
    format: str = Field(description="png, jpeg, … or the container of a video")
    codec: str | None = Field(None, description="of a video")
    encoder_options: dict[str, str] = Field({}, description="of a video, as FFmpeg calls them")
    pixel_format: str = Field("", description="of a video, as FFmpeg calls it")
    padding: tuple[int, int] = Field(
        (0, 0), description="columns and rows of a video that repeat its edge, as shown"
    )
    square: bool = Field(False, description="whether a video's pixels become square")
    label: str = Field(description="part of the result's name")
    dials: Dials = Field(
        Dials(), description="dials for networks that take them: how degraded the picture is"
    )
    steady: float = Field(
        0.0, description="noise that frames of a video are averaged against, in 255ths; 0: none"
    )
    notes: tuple[str, ...] = Field((), description="what a person should know, a line each")

    @property
    def target(self) -> Target:
        """The size of the result."""
        return Target(width=self.width, height=self.height)


def check(request: Request, kind: Kind, at_hand: AtHand) -> Lineup:
    """The models for a request, after a check of all that can be said without the file.

    Raises:
        UsageError: Options that contradict each other or do not suit this kind of file.
        ModelError: No such model, or none for a task.
    """
    target = request.target
    if request.format is not None:
        _suits(request.format, kind)
        if request.format in VIDEO_FORMATS:
            kind = "video"  # of a picture that moves
            codec_for(request, VIDEO_FORMATS[request.format])
        elif kind == "video":
            rolled_request(request, PICTURES[request.format])  # refuses options of codecs
    elif kind == "video" and request.codec is not None:
        named_codec(request.codec)
    models = request.models
    if request.realtime and models is None and "upscale" in (request.tasks or ("upscale",)):
        models = (REALTIME,)
    lineup = Lineup(
        models,
        tasks=request.tasks,
        strength=request.strength,
        video=kind == "video",
        at_hand=at_hand,
    )
    if not target.sized and target.scale is not None:
        lineup.chain(target.scale)  # says so where no models enlarge that much
    return lineup


def plan(
    request: Request,
    source: Source,
    at_hand: AtHand,
    *,
    result: Path | None = None,
    lineup: Lineup | None = None,
    max_pixels: int | None = None,
) -> Plan:
    """What will be done for a request.

    Args:
        request: What is wanted.
        source: The file that it is wanted for.
        at_hand: The models that can be named.
        result: The file to write, whose name says the format; that of the request or of the source
            is taken where it is not given.
        lineup: What `check` gave for this request, so that it need not be done again.
        max_pixels: Refuse results of more, all frames of a picture together.

    Raises:
        ResultTooLarge: It would have more than `max_pixels`.
        UsageError: Options that contradict each other or do not suit the file.
        ModelError: No such model, or none for a task.
    """
    lineup = check(request, source.kind, at_hand) if lineup is None else lineup
    if source.kind == "image" and result is None and request.format in VIDEO_FORMATS:
        if source.frames == 1:
            raise _unsuited(request.format, "a picture", PICTURE_FORMATS)
        request = unrolled_request(request, VIDEO_FORMATS[request.format])
        source = unrolled_source(source)
    animation = _animation(request, source, result)
    if animation is not None and result is None:
        request = rolled_request(request, PICTURES[animation])
    if source.kind == "video" and request.box is not None:
        source = cut_out(source, request.box)
    target = request.target.or_scale(lineup.default_scale)
    # A size is that of what is shown, so its pixels are square, as those of animated pictures
    # are; a scale keeps their shape.
    square = target.sized or animation is not None
    width = round(source.width * source.pixel_aspect) if square else source.width
    size = target.resolve(width, source.height)
    pixels = size[0] * size[1] * (source.frames if source.kind == "image" else 1)
    if max_pixels is not None and pixels > max_pixels:
        raise ResultTooLarge(
            f"the result would have {pixels:,} pixels, and {max_pixels:,} are the most; "
            "choose a smaller size"
        )
    factor = max(size[0] / source.width, size[1] / source.height)
    if source.kind == "video":
        choice = choose_for_clip(request, lineup, at_hand, factor, source.seen)
    else:
        choice = choose(request, lineup, at_hand, factor, source.seen)
    lineup = choice.lineup
    label = label_of(target, [m.card.task for m in lineup.same_size], lineup.strength)
    more: dict[str, Any] = {}
    if source.kind == "image":
        format = result_format(request, source, result)
        check_fits(str(result or "the result"), PICTURES[format], *size, source.frames)
    else:
        format = animation or result_format(request, source, result)
        if result is not None:
            suffix = video_suffix(result)
        else:
            suffix = VIDEO_FORMATS.get(format, _LOSSLESS)
        codec, options, notes = codec_for(request, suffix, source)
        size, padding, pixel_format, about = frames_for(
            codec, source, size, suffix, request.pix_fmt
        )
        more = {"codec": codec.name, "encoder_options": options, "pixel_format": pixel_format}
        more["padding"] = padding
        more["square"] = square and source.pixel_aspect != 1
        more["notes"] = (*notes, *about)
    notes = (*choice.notes, *more.pop("notes", ()))
    return Plan(
        models=choice.models,
        dials=choice.dials,
        steady=choice.steady,
        notes=notes,
        strength=lineup.strength,
        width=size[0],
        height=size[1],
        format=format,
        label=label,
        **more,
    )


def result_format(request: Request, source: Source, result: Path | None = None) -> str:
    """The format of the result.

    Raises:
        UsageError: One that does not suit the kind of file.
    """
    if result is not None and source.kind == "video":
        suffix = video_suffix(result)
        return _animation(request, source, result) or (
            video_of(suffix).name if suffix in MUXERS else suffix.lstrip(".")
        )
    if request.format is not None:
        _suits(request.format, source.kind)
        if source.kind == "video" or request.format in VIDEO_FORMATS:
            return request.format
    if source.kind == "video":
        return source.format if source.format in VIDEO_FORMATS else "mkv"
    return output_format(request.format, result, source.format).name


def _animation(request: Request, source: Source, result: Path | None) -> str | None:
    """The format of the animated picture that a video becomes, if it becomes one."""
    if source.kind != "video":
        return None
    if result is not None:
        found = animation_of(result)
        return None if found is None else found.name
    return request.format if request.format in ANIMATION_FORMATS else None


def video_suffix(path: Path) -> str:
    """The suffix of a video to write, which says its format.

    That of an animated picture is the one of a file that can hold what it is made of.

    Raises:
        UsageError: Such files are not written.
    """
    if animation_of(path) is not None:
        return _LOSSLESS
    suffix = path.suffix.lower()
    if suffix not in _VIDEO_SUFFIXES:
        hint = nearest_names(suffix, _VIDEO_SUFFIXES) if suffix else ""
        raise UsageError(
            f"{path}: '{suffix}' is not a video format that can be written{hint or ';'} "
            f"choose a name ending in {', '.join(_VIDEO_SUFFIXES)}, or in .gif, .webp, .avif or "
            ".apng for an animated picture"
        )
    return suffix


def _suits(format: str, kind: Kind) -> None:
    if kind == "video" and format not in (offered := VIDEO_FORMATS | ANIMATION_FORMATS):
        raise _unsuited(format, "a video", offered)


def _unsuited(format: str, what: str, offered: Iterable[str]) -> UsageError:
    names = [name for name in (*PICTURES, *VIDEO_FORMATS) if name in offered]
    return UsageError(f"format {format} does not suit {what}; choose one of {', '.join(names)}")
