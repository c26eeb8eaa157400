"""What will be done for a request, decided before any work; or one clear error.

`check` answers what can be said without the file, `plan` all of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from crispen.enhance.chain import SLACK, Lineup
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
from crispen.look.looking import faults_of
from crispen.media.format_choice import animation_of, check_fits, output_format, video_of
from crispen.media.formats import PICTURES
from crispen.media.video.codecs import named_codec
from crispen.media.video_formats import MUXERS
from crispen.models.athand import AtHand
from crispen.models.dials import Dials, VividDials

# The networks that repair, by how much is enlarged. At the size that a picture has, its repaired
# double is shrunk again.
REPAIR = {1: "real-x2", 2: "real-x2", 4: "real-x4"}
# Those that invent detail.
VIVID = {2: "vivid-x2", 4: "vivid-x4"}
# What compressed clips are enlarged by, where it reaches; and from how much compression on it does
# better than the network for clean ones: about crf 23 of x264, measured by benchmarks/clips.py.
CLIPS = {2: "video-x2"}
# What enlarges as fast as a clip plays.
REALTIME = "photo-live"
CODED = 0.33
# Up to this much damage the network for clean pictures does better: dials as in
# `crispen.models.dials`, measured by benchmarks/crossover.py and benchmarks/default.py.
HARMLESS = Dials(noise=0.24, compression=0.15, blur=0.3)
# Of the dials that were measured; see `careful`.
CAREFUL_NOISE, CAREFUL_COMPRESSION = 0.7, 0.8
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
        notes=notes,
        strength=lineup.strength,
        width=size[0],
        height=size[1],
        format=format,
        label=label,
        **more,
    )


class Choice(NamedTuple):
    """The networks for one picture.

    Attributes:
        lineup: What they come from.
        models: Their names, in order.
        dials: The dials of those that take them.
        notes: What a person should know.
    """

    lineup: Lineup
    models: tuple[str, ...]
    dials: Dials
    notes: tuple[str, ...]


def choose(
    request: Request, lineup: Lineup, at_hand: AtHand, factor: float, damage: Dials
) -> Choice:
    """The networks that bring a picture to `factor` times its size.

    Where nothing but a size was asked for, a damaged picture is repaired as it is enlarged. Where
    it was said how much to repair, it is repaired in any case.

    Args:
        request: What is wanted.
        lineup: Of the request.
        at_hand: The models that can be named.
        factor: How many times as long its sides become.
        damage: How bad the picture is, as far as that is known.
    """
    notes: tuple[str, ...] = ()
    dials = Dials()
    asked = request.repairs or bool(request.vivid)
    if may_repair(request, factor, at_hand) and (asked or is_damaged(damage)):
        seen = dials_for(request, damage)
        dials = careful(request, seen)
        networks = VIVID if request.vivid else REPAIR
        scale = next((s for s in networks if factor <= s * SLACK), max(networks))
        lineup = Lineup([networks[scale]], at_hand=at_hand)
        faults = faults_of(seen)
        soft = (damage.blur or 0.0) > (HARMLESS.blur or 0.0) and not seen.blur
        if soft:
            faults += faults_of(Dials(blur=damage.blur))
        why = ", ".join(faults) or "nearly clean"
        hint = "" if asked else "; --as-is only enlarges"
        if soft:
            hint += f", --deblur {damage.blur:.1f} sharpens"
        if request.vivid:
            dials = VividDials(*dials.values, vivid=request.vivid)
            hint = f", {request.vivid:g} vivid: its detail is a guess"
        notes = (f"{why}: {networks[scale]}{hint}",)
    models = tuple(at_hand.name_of(model) for model in lineup.chain(factor))
    return Choice(lineup, models, dials.rounded(), notes)


def choose_for_clip(
    request: Request, lineup: Lineup, at_hand: AtHand, factor: float, damage: Dials
) -> Choice:
    """The networks that bring a video to `factor` times its size.

    Where nothing but a size was asked for, a compressed clip is enlarged by a network that knows
    what codecs do, and is told how much they did to this one (benchmarks/clips.py).

    Args:
        request: What is wanted.
        lineup: Of the request.
        at_hand: The models that can be named.
        factor: How many times as long its sides become.
        damage: How bad its frames are, as far as that is known.
    """
    notes: tuple[str, ...] = ()
    dials = Dials()
    if clip_matters(request) and (damage.compression or 0.0) > CODED:
        for scale, name in CLIPS.items():
            if SLACK < factor <= scale * SLACK and name in at_hand:
                lineup = Lineup([name], at_hand=at_hand)
                dials = Dials(damage.noise, damage.compression, 0.0)
                notes = (f"compressed: {name}; --task upscale only enlarges",)
    models = tuple(at_hand.name_of(model) for model in lineup.chain(factor))
    return Choice(lineup, models, dials.rounded(), notes)


def clip_matters(request: Request) -> bool:
    """Whether it matters how compressed a clip is."""
    return not (request.tasks or request.models or request.realtime)


def dials_for(request: Request, damage: Dials) -> Dials:
    """The dials for networks that take them: what the request says, and else what was seen.

    Blur is undone only where it was asked for, or where the picture is to be vivid: whether a soft
    picture was meant to be soft cannot be seen in it, and sharpening one that was costs up to 7 dB,
    where sharpening one that was not gains 1 dB (benchmarks/default.py).
    """
    asked = Dials(noise=request.denoise, compression=request.dejpeg, blur=request.deblur)
    pairs = zip(asked.values, damage.values, strict=True)
    noise, compression, blur = (found if mine is None else mine for mine, found in pairs)
    if request.deblur is None and not request.vivid:
        blur = 0.0
    return Dials(noise, compression, blur)


def careful(request: Request, seen: Dials) -> Dials:
    """Dials a little below the measured ones, which tend to be too high.

    Texture is measured as noise, and many compressed pictures were soft to begin with. The lower
    dials gain 0.09 dB, and half as many pictures are worse than bicubic (benchmarks/default.py).
    """
    noise, compression, blur = seen.values
    if request.denoise is None and noise is not None:
        noise *= CAREFUL_NOISE
    if request.dejpeg is None and compression is not None:
        compression *= CAREFUL_COMPRESSION
    return Dials(noise, compression, blur)


def is_damaged(damage: Dials) -> bool:
    """Whether the network for real pictures does better than that for clean ones."""
    pairs = zip(damage.values, HARMLESS.values, strict=True)
    return any((found or 0.0) > (limit or 0.0) for found, limit in pairs)


def may_repair(request: Request, factor: float, at_hand: AtHand) -> bool:
    """Whether it matters how bad the picture is."""
    asked = request.tasks or request.models or request.as_is
    needed = (*REPAIR.values(), *(VIVID.values() if request.vivid else ()))
    return not asked and factor >= 1 / SLACK and all(name in at_hand for name in needed)


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
