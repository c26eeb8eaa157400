"""Metadata of each option of a request, beside its type and its limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

Kind = Literal["image", "video"]


def option(
    description: str,
    *,
    label: str,
    usual: str = "",
    unit: str = "",
    word: str = "",
    group: str = "",
    kinds: Sequence[Kind] = ("image", "video"),
    default: Any = None,
    **limits: Any,
) -> Any:
    """A field of `crispen.enhance.request.Request`.

    Args:
        description: What it means, as a sentence.
        label: Its label on the page.
        usual: Its effective default in words, if there is one.
        unit: Of its value.
        word: Name of a single value if it can be repeated, as on the command line.
        group: Heading of its group on the page.
        kinds: The files it applies to.
        default: Its value if not given.
        limits: As for pydantic's `Field`.
    """
    facts = {"label": label, "usual": usual, "unit": unit, "word": word, "group": group}
    extra: dict[str, Any] = {f"x-{key}": value for key, value in facts.items() if value}
    extra["x-kinds"] = [*kinds]
    return Field(default, description=description, json_schema_extra=extra, **limits)
