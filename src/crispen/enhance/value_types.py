"""Types of the fields of a request, as pydantic checks them and the JSON schema shows them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from crispen.enhance.naming import PICTURE_FORMATS, VIDEO_FORMATS
from crispen.enhance.values import OneOf
from crispen.media.video.codecs import (
    CODEC_NAMES,
    HARDWARE_NAMES,
    OTHER_NAMES,
    PIXEL_FORMATS,
    SHORT_PIXEL_FORMATS,
)
from crispen.models.tasks import TASKS, Task

MAX_CRF = 63
_MAX_MODELS = 8
_ALIASES = ("jpg", "tif")
PICTURES = tuple(name for name in PICTURE_FORMATS if name not in _ALIASES)


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Format = Annotated[str, OneOf("format", (*PICTURES, *VIDEO_FORMATS), _ALIASES)]
Codec = Annotated[
    str, OneOf("video codec", CODEC_NAMES, HARDWARE_NAMES, also=tuple(OTHER_NAMES.items()))
]
PixelFormat = Annotated[str, OneOf("pixel format", PIXEL_FORMATS, SHORT_PIXEL_FORMATS)]
Carry = Literal["copy", "convert", "none"]
# The codec sets the limit: 51 for most.
Crf = Annotated[float, WithJsonSchema({"type": "number", "minimum": 0, "maximum": MAX_CRF})]
Amount = Annotated[float, Field(ge=0, le=1)]
Deinterlace = Literal["off", "double"]
Preset = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]+$", max_length=20)]
ModelName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)
]
Tasks = Annotated[tuple[Task, ...], Field(max_length=len(TASKS)), BeforeValidator(_as_tuple)]
ModelNames = Annotated[
    tuple[ModelName, ...], Field(max_length=_MAX_MODELS), BeforeValidator(_as_tuple)
]
