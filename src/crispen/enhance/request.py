"""What a user requests: every option once, with its meaning, unit, limits and default.

Everything else reads these fields. The command line takes its options from them, the API's body is
this model, the page builds its form from the JSON schema, and a test holds the keywords of
`crispen.enhance` and `crispen.enhance_video` against it.

To add an option: a field here, its keyword in `api`, and what it does in `plan`. None always means
that the program chooses; ``usual`` says how.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from crispen.enhance.naming import VIDEO_FORMATS
from crispen.enhance.option import Kind as Kind
from crispen.enhance.option import option
from crispen.enhance.target import Target
from crispen.enhance.value_types import (
    PICTURES,
    Amount,
    Carry,
    Codec,
    Crf,
    Deinterlace,
    Format,
    ModelNames,
    PixelFormat,
    Preset,
    Tasks,
)
from crispen.enhance.values import Rate, Rectangle, Streams, Time, part_of, plain_number
from crispen.errors import UsageError, describe_invalid
from crispen.media.video.box import Box
from crispen.media.video.codecs import CODEC_NAMES, PIXEL_FORMATS
from crispen.media.video.selection import KINDS, Selection
from crispen.media.video.span import Span
from crispen.models.athand import AtHand, HasCard
from crispen.models.tasks import tasks_in_words

MAX_SCALE = 256
MAX_SIDE_PX = 65_500
_PART = "Part of the clip"

# Numbers that keep their exact value.
_EXACT = frozenset(("start", "end", "duration", "fps"))
# What `batch` and `_video_work` note of every result, in words of their own.
_ALWAYS_NAMED = frozenset(
    (
        *("scale", "width", "height", "fit", "tasks", "models", "strength", "format"),
        *("quality", "codec", "crf", "preset", "strip_metadata"),
    )
)


class Request(BaseModel):
    """What should happen to a picture or video: a scale or a size, tasks, models, a format."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    scale: float | None = option(
        "How many times as long each side becomes, such as 2 or 1.5.",
        label="Scale",
        unit="×",
        usual="2, or what the tasks or named models give",
        gt=0,
        le=MAX_SCALE,
        allow_inf_nan=False,
    )
    width: int | None = option(
        "Width of the result; alone, the height follows.",
        label="Width",
        unit="px",
        ge=1,
        le=MAX_SIDE_PX,
    )
    height: int | None = option(
        "Height of the result; alone, the width follows.",
        label="Height",
        unit="px",
        ge=1,
        le=MAX_SIDE_PX,
    )
    fit: bool = option(
        "Keep the aspect ratio inside the given width and height.",
        label="Keep the aspect ratio",
        default=False,
    )
    tasks: Tasks | None = option(
        f"What to do: {tasks_in_words()}. Several are done in this order. Without upscale the "
        "size stays.",
        label="Tasks",
        word="task",
        usual="upscale",
    )
    models: ModelNames | None = option(
        "A model by name; a name without its scale, such as photo-fast, picks the scale by the "
        "size. Several run in the given order; with tasks, each takes the place of its task's "
        "usual model.",
        label="Models",
        word="model",
        usual="the tasks' usual ones",
    )
    strength: float | None = option(
        "How much of it to do where the task leaves the size as it is; 0.5 is half way between "
        "the input and the full result.",
        label="Strength",
        usual="1",
        ge=0,
        le=1,
    )
    format: Format | None = option(
        f"Format of the result: {', '.join(PICTURES)}; of videos: {', '.join(VIDEO_FORMATS)}.",
        label="Format",
        usual="the input's",
    )
    quality: int | None = option(
        "Quality of JPEG, WebP, AVIF and of videos, 1 to 100; higher is better and larger.",
        label="Quality",
        usual="the format's or codec's own",
        ge=1,
        le=100,
    )
    codec: Codec | None = option(
        f"Codec of videos: {', '.join(CODEC_NAMES)}; or an encoder of a graphics card, where this "
        "machine has it, such as hevc_nvenc, h264_qsv, h264_vaapi or hevc_videotoolbox.",
        label="Video codec",
        usual="h264, in WebM vp9; for PQ and HLG hevc, in WebM av1",
        kinds=("video",),
    )
    crf: Crf | None = option(
        "Quality of videos in the codec's own numbers, in place of the quality; lower is better "
        "and larger, 18 looks like the source.",
        label="CRF",
        usual="the codec's own",
        kinds=("video",),
    )
    preset: Preset | None = option(
        "Speed of the video encoder: ultrafast … veryslow; for vp9 and av1 a number, where 0 is "
        "the slowest.",
        label="Encoder preset",
        usual="the codec's own",
        kinds=("video",),
    )
    pix_fmt: PixelFormat | None = option(
        f"Pixel format of videos, as FFmpeg calls it: {', '.join(PIXEL_FORMATS)}.",
        label="Pixel format",
        usual="the one of the codec that loses least",
        kinds=("video",),
    )
    streams: Streams | None = option(
        "Which streams of a video go over with its picture: all, video, or a list of numbers, "
        f"kinds ({', '.join(KINDS)}) and kinds with a language, such as 0,2 or audio:eng,subtitle.",
        label="Streams",
        usual="all",
        kinds=("video",),
    )
    audio: Carry | None = option(
        "Sound of videos: copy it as it is, convert it to what the format usually holds, or none.",
        label="Sound",
        usual="copied; converted where the format cannot hold it",
        kinds=("video",),
    )
    subtitles: Carry | None = option(
        "Subtitles of videos: copy them as they are, convert them to what the format usually "
        "holds, or none.",
        label="Subtitles",
        usual="copied; converted where the format cannot hold them",
        kinds=("video",),
    )
    deinterlace: Deinterlace | None = option(
        "Interlaced and telecined videos: off leaves their fields as they are, double makes a "
        "frame of every field of an interlaced one.",
        label="Deinterlace",
        usual="a frame of every two fields, where fields are found",
        kinds=("video",),
    )
    start: Time | None = option(
        "Where to start in a video, in seconds or [HH:]MM:SS[.fff]; what is shown before is left "
        "out.",
        label="Start",
        usual="its first frame",
        group=_PART,
        examples=["0:05"],
        kinds=("video",),
    )
    end: Time | None = option(
        "Where to stop in a video, in seconds or [HH:]MM:SS[.fff] from its beginning; what is "
        "shown from then on is left out.",
        label="End",
        usual="its last frame",
        group=_PART,
        examples=["0:20.5"],
        kinds=("video",),
    )
    duration: Time | None = option(
        "Length of the part of a video, in seconds or [HH:]MM:SS[.fff]; in place of the end.",
        label="Duration",
        usual="all of it",
        group=_PART,
        examples=["15.5"],
        kinds=("video",),
    )
    fps: Rate | None = option(
        "Frames per second of a video, a number or a fraction such as 30000/1001; frames are "
        "repeated or left out to match, and its length and sound stay.",
        label="Frames per second",
        usual="each frame at its own time",
        group=_PART,
        examples=["25"],
        kinds=("video",),
    )
    crop: Rectangle | None = option(
        "The rectangle of a video to keep, as WIDTH:HEIGHT:LEFT:TOP or WIDTHxHEIGHT+LEFT+TOP in "
        "its own pixels; it is cut out first.",
        label="Crop",
        usual="the whole picture",
        group=_PART,
        examples=["1280:720:0:140"],
        kinds=("video",),
    )
    denoise: Amount | None = option(
        "How much noise to remove, from 0 (none) to 1 (as of a standard deviation of 50 levels).",
        label="Remove noise",
        usual="as much as the picture has",
        kinds=("image",),
    )
    dejpeg: Amount | None = option(
        "How much damage by compression to repair, from 0 (none) to 1 (as of JPEG quality 10).",
        label="Repair compression",
        usual="as much as the picture has",
        kinds=("image",),
    )
    deblur: Amount | None = option(
        "How much blur to undo, from 0 (none) to 1 (as of a standard deviation of 2 pixels).",
        label="Undo blur",
        usual="as much as the picture has",
        kinds=("image",),
    )
    vivid: Amount | None = option(
        "Invent detail, from 0 (faithful) to 1 (as vivid as it gets). What is invented is a guess, "
        "and the result still shrinks back to the repaired picture.",
        label="Faithful to vivid",
        usual="0",
        kinds=("image",),
    )
    as_is: bool = option(
        "Only enlarge, whatever is wrong with the picture. Without tasks or models, damaged "
        "pictures are repaired as they are enlarged.",
        label="Only enlarge, repair nothing",
        kinds=("image",),
        default=False,
    )
    strip_metadata: bool = option(
        "Leave EXIF, XMP, titles, dates and places out.",
        label="Remove metadata",
        default=False,
    )

    @property
    def repairs(self) -> bool:
        """Whether it says how much to repair."""
        return any(v is not None for v in (self.denoise, self.dejpeg, self.deblur))

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.repairs or self.vivid) and (self.tasks or self.models or self.as_is):
            raise PydanticCustomError(
                "two_ways",
                "denoise, dejpeg, deblur and vivid set how the picture is repaired; leave tasks, "
                "models and as_is out, or those",
            )
        return self

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        part_of(self.start, self.end, self.duration)
        return self

    @classmethod
    def of(cls, **values: Any) -> Self:
        """A request out of keywords; those that are None were not given.

        Raises:
            UsageError: A value does not fit.
        """
        given: dict[str, Any] = {
            name: value if name in _EXACT and isinstance(value, Fraction) else plain_number(value)
            for name, value in values.items()
            if value is not None
        }
        try:
            return cls(**given)
        except ValidationError as error:
            problems = [describe_invalid(dict(one)) for one in error.errors()]
            raise UsageError("; ".join(problems)) from error

    @property
    def target(self) -> Target:
        """The size asked for.

        Raises:
            UsageError: Both a scale and a size were asked for.
        """
        return Target(self.scale, self.width, self.height, self.fit)

    @property
    def span(self) -> Span:
        """The part of a video that is wanted."""
        return part_of(self.start, self.end, self.duration)

    @property
    def rate(self) -> Fraction | None:
        """Frames per second of a video, where that is to be constant."""
        return None if self.fps is None else Fraction(self.fps)

    @property
    def selection(self) -> Selection:
        """Which streams of a video go over beside its picture."""
        return Selection.of(self.streams or "all")

    @property
    def box(self) -> Box | None:
        """The rectangle of a video that is wanted, as shown."""
        return None if self.crop is None else Box.of(self.crop)

    def further(self) -> dict[str, Any]:
        """Options that were given beside those that the records of results always name."""
        given: dict[str, Any] = self.model_dump(mode="json", exclude_defaults=True)
        return {name: value for name, value in given.items() if name not in _ALWAYS_NAMED}


def ask(
    model: str | Path | HasCard | Sequence[str | Path | HasCard] | None = None,
    *,
    size: tuple[int | None, int | None] | None = None,
    tasks: str | Sequence[str] | None = None,
    **values: Any,
) -> tuple[Request, AtHand]:
    """A request as it is typed or programmed, and the models that its names mean.

    Args:
        model: Names, files or open models; one of them or several.
        size: Width and height in one, either of which may be None.
        tasks: One task or several.
        values: Other fields of `Request`.

    Raises:
        ModelError: No such model, or a broken file.
        UsageError: A value does not fit.
    """
    if size is not None:
        if values.get("width") is not None or values.get("height") is not None:
            raise UsageError("both size and width or height were given; give one of them")
        if isinstance(size, str) or not isinstance(size, Sequence) or len(size) != 2:
            raise UsageError(f"size is {size!r}; give width and height, such as (3840, 2160)")
        values["width"], values["height"] = size
    at_hand = AtHand()
    if model is not None:
        values["models"] = tuple(at_hand.take(one) for one in _several(model)) or None
    if tasks is not None:
        values["tasks"] = _several(tasks)
    return Request.of(**values), at_hand


def _several(given: Any) -> tuple[Any, ...]:
    """One thing or several as several."""
    return tuple(given) if isinstance(given, Sequence) and not isinstance(given, str) else (given,)
