"""What a user requests: every option once, with its meaning, unit, limits and default.

Everything else reads these fields. The command line takes its options from them, the API's body is
this model, the page builds its form from the JSON schema, and a test holds the keywords of
`crispen.enhance` and `crispen.enhance_video` against it.

To add an option: a field here, its keyword in `api`, and its effect in `plan`. None always means
that the program chooses; ``usual`` says how.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from crispen.enhance.naming import ANIMATION_FORMATS, VIDEO_FORMATS
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
# Fields that `batch` and `_video_work` record for every result in their own words.
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
        "Scale factor for each side, such as 2 or 1.5.",
        label="Scale",
        unit="×",
        usual="2, or the scale of the tasks or named models",
        gt=0,
        le=MAX_SCALE,
        allow_inf_nan=False,
    )
    width: int | None = option(
        "Width of the result; the height follows unless given.",
        label="Width",
        unit="px",
        ge=1,
        le=MAX_SIDE_PX,
    )
    height: int | None = option(
        "Height of the result; the width follows unless given.",
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
        f"What to do: {tasks_in_words()}. Several run in this order. Without upscale the "
        "size stays.",
        label="Tasks",
        word="task",
        usual="upscale",
    )
    models: ModelNames | None = option(
        "A model by name; a name without its scale, such as photo-fast, picks the scale by the "
        "size. Several run in the given order; with tasks, each replaces its task's usual model.",
        label="Models",
        word="model",
        usual="the tasks' usual ones",
    )
    strength: float | None = option(
        "Strength of tasks that keep the size; 0.5 is halfway between "
        "the input and the full result.",
        label="Strength",
        usual="1",
        ge=0,
        le=1,
    )
    format: Format | None = option(
        f"Format of the result: {', '.join(PICTURES)}; for videos: {', '.join(VIDEO_FORMATS)}. "
        f"Videos also become animated pictures ({', '.join(ANIMATION_FORMATS)}), and animated "
        "pictures videos.",
        label="Format",
        usual="the input's",
    )
    quality: int | None = option(
        "Quality of JPEG, WebP, AVIF and videos, 1 to 100; higher is better and larger.",
        label="Quality",
        usual="the format's or codec's own",
        ge=1,
        le=100,
    )
    codec: Codec | None = option(
        f"Video codec: {', '.join(CODEC_NAMES)}; or a hardware encoder, if this machine has it, "
        "such as hevc_nvenc, h264_qsv, h264_vaapi or hevc_videotoolbox.",
        label="Video codec",
        usual="h264, in WebM vp9; for PQ and HLG hevc, in WebM av1",
        kinds=("video",),
    )
    crf: Crf | None = option(
        "Video quality on the codec's own scale, instead of quality; lower is better "
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
        usual="the codec's least lossy one",
        kinds=("video",),
    )
    streams: Streams | None = option(
        "Streams of a video to keep with its picture: all, video, or a list of numbers, "
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
        "frame from every field of an interlaced one.",
        label="Deinterlace",
        usual="a frame from every two fields, if there are fields",
        kinds=("video",),
    )
    start: Time | None = option(
        "Where to start in a video, in seconds or [HH:]MM:SS[.fff]; earlier frames are left out.",
        label="Start",
        usual="its first frame",
        group=_PART,
        examples=["0:05"],
        kinds=("video",),
    )
    end: Time | None = option(
        "Where to stop in a video, in seconds or [HH:]MM:SS[.fff] from its beginning; frames "
        "from then on are left out.",
        label="End",
        usual="its last frame",
        group=_PART,
        examples=["0:20.5"],
        kinds=("video",),
    )
    duration: Time | None = option(
        "Length of the part of a video, in seconds or [HH:]MM:SS[.fff]; instead of the end.",
        label="Duration",
        usual="all of it",
        group=_PART,
        examples=["15.5"],
        kinds=("video",),
    )
    fps: Rate | None = option(
        "Frames per second of a video, a number or a fraction such as 30000/1001; frames are "
        "repeated or dropped to match, and its length and sound stay the same.",
        label="Frames per second",
        usual="the frame times of the source",
        group=_PART,
        examples=["25"],
        kinds=("video",),
    )
    crop: Rectangle | None = option(
        "Crop a video to the rectangle WIDTH:HEIGHT:LEFT:TOP or WIDTHxHEIGHT+LEFT+TOP in its own "
        "pixels, before anything else.",
        label="Crop",
        usual="the whole picture",
        group=_PART,
        examples=["1280:720:0:140"],
        kinds=("video",),
    )
    denoise: Amount | None = option(
        "How much noise to remove, from 0 (none) to 1 (a standard deviation of 50 levels).",
        label="Remove noise",
        usual="as much as the picture has",
        kinds=("image",),
    )
    dejpeg: Amount | None = option(
        "How much compression damage to repair, from 0 (none) to 1 (JPEG quality 10).",
        label="Repair compression",
        usual="as much as the picture has",
        kinds=("image",),
    )
    deblur: Amount | None = option(
        "How much blur to undo, from 0 (none) to 1 (a standard deviation of 2 pixels).",
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
    grain: Amount | None = option(
        "Film grain to put back into videos, as a share of what was removed, from 0 (none) to 1 "
        "(as much as before).",
        label="Film grain",
        usual="0",
        kinds=("video",),
    )
    realtime: bool = option(
        "Enhance videos about as fast as they play: by the smallest network, unless models are "
        "named, and with a quicker encoder, whose files are larger.",
        label="Fast enough to watch",
        kinds=("video",),
        default=False,
    )
    as_is: bool = option(
        "Only enlarge, even if the picture is damaged. Without tasks or models, damaged "
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
        """Whether it sets how much to repair."""
        return any(v is not None for v in (self.denoise, self.dejpeg, self.deblur))

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.repairs or self.vivid) and (self.tasks or self.models or self.as_is):
            raise PydanticCustomError(
                "two_ways",
                "denoise, dejpeg, deblur and vivid set how the picture is repaired; leave out "
                "either those or tasks, models and as_is",
            )
        return self

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        part_of(self.start, self.end, self.duration)
        return self

    @classmethod
    def of(cls, **values: Any) -> Self:
        """A request from keywords; None means not given.

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
        """The requested size.

        Raises:
            UsageError: Both a scale and a size were requested.
        """
        return Target(self.scale, self.width, self.height, self.fit)

    @property
    def span(self) -> Span:
        """The requested part of a video."""
        return part_of(self.start, self.end, self.duration)

    @property
    def rate(self) -> Fraction | None:
        """Constant frames per second of a video, if requested."""
        return None if self.fps is None else Fraction(self.fps)

    @property
    def selection(self) -> Selection:
        """The streams of a video to keep beside its picture."""
        return Selection.of(self.streams or "all")

    @property
    def box(self) -> Box | None:
        """The requested rectangle of a video, as shown."""
        return None if self.crop is None else Box.of(self.crop)

    def further(self) -> dict[str, Any]:
        """Given options, except those that the records of results always name."""
        given: dict[str, Any] = self.model_dump(mode="json", exclude_defaults=True)
        return {name: value for name, value in given.items() if name not in _ALWAYS_NAMED}


def ask(
    model: str | Path | HasCard | Sequence[str | Path | HasCard] | None = None,
    *,
    size: tuple[int | None, int | None] | None = None,
    tasks: str | Sequence[str] | None = None,
    **values: Any,
) -> tuple[Request, AtHand]:
    """A request from typed or programmed values, and the models for its names.

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
