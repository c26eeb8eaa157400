"""The fields of a request as options for a form or a command line."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from crispen.enhance.request import Kind, Request


class Option(BaseModel):
    """A field of `Request` for a form or a command line, from its JSON schema."""

    model_config = ConfigDict(frozen=True)

    name: str
    word: str = Field(description="name of a single value, if the option can be repeated")
    label: str
    description: str
    type: Literal["boolean", "integer", "number", "string"] = Field(description="of one value")
    many: bool = Field(description="whether it takes a list")
    choices: list[str] | None = Field(description="all values, if they can be listed")
    minimum: float | None = None
    exclusive_minimum: float | None = None
    maximum: float | None = None
    default: bool | None = Field(description="null if there is no default")
    usual: str = Field(description="what happens if it is not given, in words")
    unit: str
    group: str = Field(description="heading of a group of options; may be empty")
    examples: list[str] = Field(description="values that could be typed")
    kinds: list[Kind] = Field(description="the files it applies to")


def options() -> list[Option]:
    """All fields of `Request`, in order."""
    schema = Request.model_json_schema()
    return [_described(name, about) for name, about in schema["properties"].items()]


def _described(name: str, about: dict[str, Any]) -> Option:
    (value,) = [s for s in about.get("anyOf", [about]) if s.get("type") != "null"]
    many = value["type"] == "array"
    one = value["items"] if many else value
    return Option(
        name=name,
        word=about.get("x-word", name),
        label=about["x-label"],
        description=about["description"],
        type=one["type"],
        many=many,
        choices=one.get("enum"),
        minimum=one.get("minimum"),
        exclusive_minimum=one.get("exclusiveMinimum"),
        maximum=one.get("maximum"),
        default=about["default"],
        usual=about.get("x-usual", ""),
        unit=about.get("x-unit", ""),
        group=about.get("x-group", ""),
        examples=about.get("examples", []),
        kinds=about["x-kinds"],
    )
