"""What a person wishes for one picture or video; the fields of ``POST /api/v1/jobs``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Kind = Literal["image", "video"]
Task = Literal["denoise", "sharpen", "relight", "restore", "upscale"]
PictureFormat = Literal["png", "jpeg", "webp", "tiff", "avif", "gif"]
VideoFormat = Literal["mp4", "mov", "mkv", "webm"]
Codec = Literal["h264", "hevc", "av1", "vp9", "ffv1", "prores"]
ModelName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)
]

MAX_SCALE = 16
MAX_SIDE_PX = 65_500


class Options(BaseModel):
    """What should happen; a scale or a size, never both."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scale: float | None = Field(
        None, gt=0, le=MAX_SCALE, description="times as long each side becomes"
    )
    width: int | None = Field(None, ge=1, le=MAX_SIDE_PX, description="columns of the result")
    height: int | None = Field(None, ge=1, le=MAX_SIDE_PX, description="rows of the result")
    fit: bool = Field(False, description="keep the aspect ratio inside width and height")
    tasks: list[Task] | None = Field(
        None, max_length=5, description="what is done, in this order; upscale unless given"
    )
    models: list[ModelName] | None = Field(
        None, max_length=8, description="models or families by name, in order, instead of tasks"
    )
    strength: float | None = Field(
        None, ge=0, le=1, description="how much is done, for models that have such a dial"
    )
    format: PictureFormat | VideoFormat | None = Field(
        None, description="of the result; that of the source unless given"
    )
    quality: int | None = Field(
        None, ge=1, le=100, description="of formats that lose something; 100 is best"
    )
    codec: Codec | None = Field(None, description="of a video; h264 unless given, vp9 in WebM")
    strip_metadata: bool = Field(False, description="leave EXIF, titles, places and dates out")


class Source(BaseModel):
    """What a file holds, as its content says."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    type: str = Field(description="media type, such as image/png")
    format: str = Field(description="png, jpeg, … or the container of a video")
    width: int
    height: int
    frames: int = Field(1, description="more than 1 in an animation or video; 0 if not known")
    bytes: int
    duration_s: float | None = None
    viewable: bool = Field(description="whether browsers show it as it is")


class Result(BaseModel):
    """What was made."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="file name for a download")
    type: str = Field(description="media type")
    width: int
    height: int
    frames: int = 1
    bytes: int
    notes: list[str] = Field([], description="what a person should know about it, a line each")
    viewable: bool = Field(description="whether browsers show it as it is")


class ProgressNow(BaseModel):
    """How far the work is."""

    model_config = ConfigDict(frozen=True)

    what: str = Field(description="what is being done")
    done: float
    total: float | None
    unit: str = Field(description="px, frames, bytes")
    rate: float = Field(description="unit per second")
    left_s: float | None = Field(None, description="seconds left, if that can be told")
