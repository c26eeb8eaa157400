"""Parsed values of options: a choice of names, a time, a rate, a rectangle, a number."""

from __future__ import annotations

import math
import numbers
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, LiteralString

from pydantic import (
    BeforeValidator,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError, core_schema

from crispen.errors import nearest_names
from crispen.media.video.selection import PATTERN
from crispen.media.video.span import Span

_TIME = r"(?:(?:\d+:)?[0-5]?\d:[0-5]?\d|\d+)(?:\.\d+)?"
_DECIMAL = r"\d+(?:\.\d+)?"
_MAX_RATE, _MAX_NUMERATOR = 1000, 1_000_000
_BOX = r"[1-9]\d{0,5}(?::[1-9]\d{0,5}(?::\d{1,6}){2}|[xX][1-9]\d{0,5}(?:\+\d{1,6}){2})"
_RATIO = r"\d+/0*[1-9]\d*"


@dataclass(frozen=True, slots=True)
class OneOf:
    """Maps a text to one of some names, ignoring case.

    Attributes:
        what: What they are, for the error.
        names: Names offered.
        hidden: Other names accepted.
        also: Aliases and the name that each means, for the error.
    """

    what: str
    names: tuple[str, ...]
    hidden: tuple[str, ...] = ()
    also: tuple[tuple[str, str], ...] = ()

    def _check(self, value: str) -> str:
        if value.lower() in (*self.names, *self.hidden):
            return value.lower()
        near = nearest_names(value, self.names, also=dict(self.also))
        text = f"no {self.what} '{value}'{near} (choose one of {', '.join(self.names)})"
        raise PydanticCustomError("no_such_choice", "{text}", {"text": text})

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "enum": [*self.names]}


def seconds_of(time: str) -> Fraction:
    """The exact seconds of a time accepted by `Time`.

    >>> seconds_of("1:02.5"), seconds_of("1001/30000")
    (Fraction(125, 2), Fraction(1001, 30000))
    """
    seconds = Fraction(0)
    for part in time.split(":"):
        seconds = seconds * 60 + Fraction(part)
    return seconds


def part_of(start: str | None, end: str | None, duration: str | None) -> Span:
    """The part of a video between two times.

    Raises:
        PydanticCustomError: They contradict each other.
    """
    begin = Fraction(0) if start is None else seconds_of(start)
    if duration is not None:
        if end is not None:
            raise PydanticCustomError(
                "two_ends", "give end or duration, not both", {"field": "duration"}
            )
        if not seconds_of(duration):
            raise PydanticCustomError(
                "nothing", "duration must be more than 0", {"field": "duration"}
            )
        return Span(begin or None, begin + seconds_of(duration))
    until = None if end is None else seconds_of(end)
    if until is not None and until <= begin:
        told = f"end {end} is not after the start {start or 0}; choose a later end"
        raise PydanticCustomError("backwards", "{told}", {"told": told, "field": "end"})
    return Span(begin or None, until)


def _as_text(value: Any) -> Any:
    """Numbers as exact text: a decimal means what is written."""
    match value:
        case bool():
            return value
        case float() if math.isfinite(value):
            return format(Decimal(repr(float(value))), "f")
        case int() | float() | Fraction():
            return str(value)
        case str():
            return value.strip()
        case _:
            return value


def _matching(text: Any, pattern: str, kind: LiteralString, message: LiteralString) -> Any:
    """A text of the right form; pydantic rejects other types."""
    if isinstance(text, str) and not re.fullmatch(pattern, text, re.ASCII):
        raise PydanticCustomError(kind, message, {"text": text})
    return text


def _schema(pattern: str, length: int = 40) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "maxLength": length})


def _time(value: Any) -> Any:
    return _matching(
        _as_text(value),
        f"{_TIME}|{_RATIO}",
        "no_time",
        "'{text}' is not a time; write seconds (90.5) or [HH:]MM:SS[.fff] (1:30.5)",
    )


Time = Annotated[str, BeforeValidator(_time), _schema(f"^({_TIME}|{_RATIO})$")]


def _rate(value: Any) -> Any:
    text = _as_text(value)
    if not isinstance(text, str):
        return text
    rate = Fraction(text) if re.fullmatch(f"{_DECIMAL}|{_RATIO}", text, re.ASCII) else Fraction(0)
    if not 0 < rate <= _MAX_RATE or rate.numerator > _MAX_NUMERATOR:
        raise PydanticCustomError(
            "no_rate",
            "'{text}' is not a number of frames per second; write one up to {most}, such as 25, "
            "29.97 or 30000/1001",
            {"text": text, "most": _MAX_RATE},
        )
    return text


Rate = Annotated[str, BeforeValidator(_rate), _schema(f"^({_DECIMAL}|{_RATIO})$")]


def _box(value: Any) -> Any:
    return _matching(
        value.strip() if isinstance(value, str) else value,
        _BOX,
        "no_box",
        "'{text}' is not a rectangle; write WIDTH:HEIGHT:LEFT:TOP (640:360:0:60) or "
        "WIDTHxHEIGHT+LEFT+TOP",
    )


Rectangle = Annotated[str, BeforeValidator(_box), _schema(f"^{_BOX}$")]


def _streams(value: Any) -> Any:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return _matching(
        text.replace(" ", "").lower() if isinstance(text, str) else text,
        PATTERN,
        "no_streams",
        "'{text}' is not a choice of streams; write all, video, or numbers and kinds such as 0,2 "
        "or audio:eng,subtitle",
    )


Streams = Annotated[str, BeforeValidator(_streams), _schema(f"^{PATTERN}$", 100)]


def plain_number(value: Any) -> Any:
    """NumPy's numbers as Python's."""
    match value:
        case bool() | int() | float():
            return value
        case numbers.Integral():
            return int(value)
        case numbers.Real():
            return float(value)
        case _:
            return value
