"""Degradations as typed: ``salt-and-pepper=0.4``, ``gaussian-noise:sigma=25,grey=true``.

::

    KIND                          with its default arguments
    KIND=VALUE                    its main argument, see `crispen degrade --list`
    KIND:NAME=VALUE,NAME=VALUE    any of its arguments
    KIND=VALUE:NAME=VALUE         both

A value is written as in a recipe; ``10..50`` is a range from which each picture draws.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter, ValidationError

from crispen.errors import UsageError, nearest_names
from crispen.lab.degradations import DEGRADATION_KINDS, Degradation, DegradationTable
from crispen.lab.table import PLUGIN

_IN_FILE = re.compile(r"[^=:]+\.py:[A-Za-z_]\w*")

KINDS = DEGRADATION_KINDS
_RANGE = re.compile(r"\s*([-+\d.eE%]+?)\s*\.\.\s*([-+\d.eE%]+)\s*")


def parse_degradation(text: str) -> Degradation:
    """The degradation that a text names.

    Raises:
        UsageError: No such degradation or argument, or a value that does not fit.

    >>> parse_degradation("gaussian-noise:sigma=10..50,grey=true").sigma
    (10.0, 50.0)
    """
    in_file = _IN_FILE.match(text.strip())
    if in_file:
        kind, rest = in_file[0], text.strip()[in_file.end() :]
    else:
        kind = re.split("[=:]", text)[0]
        kind, rest = kind.strip(), text[len(kind) :]
    head, _, arguments = rest.partition(":")
    _, equals, value = head.partition("=")
    try:
        made = KINDS.named(kind)
    except UsageError as error:
        raise UsageError(f"'{text}': {error}") from error
    table: dict[str, Any] = {"kind": kind}
    if equals:
        main = made.main
        if not main:
            raise UsageError(
                f"'{text}': {kind} takes no bare value; write {kind}:NAME=VALUE, with "
                f"{', '.join(_arguments(kind))}"
            )
        table[main] = _value(value)
    for assignment in _split(arguments):
        name, equals, value = assignment.partition("=")
        if not equals:
            raise UsageError(
                f"'{text}': '{assignment.strip()}' is no argument; write it as NAME=VALUE, "
                f"with {', '.join(_arguments(kind))}"
            )
        table[name.strip().replace("-", "_")] = _value(value)
    try:
        adapter: TypeAdapter[Degradation] = TypeAdapter(DegradationTable)
        return adapter.validate_python(table)
    except ValidationError as error:
        raise UsageError(f"'{text}': {explain(error)}") from error


def explain(error: ValidationError) -> str:
    """The first error in a degradation's table, as one readable line."""
    first = error.errors()[0]
    path = [str(part) for part in first["loc"] if part not in KINDS and part != PLUGIN]
    where, message = ".".join(path), first["msg"]
    if first["type"] == "extra_forbidden":
        kind = next((str(part) for part in reversed(first["loc"]) if part in KINDS), "")
        if not kind:
            return f"no such argument '{where}'"
        known = _arguments(kind)
        hint = nearest_names(path[-1], known) or f"; those are {', '.join(known)}"
        return f"{kind} has no argument '{where}'{hint}"
    if first["type"].startswith("union_tag"):
        return f"{where}: no such degradation; those are {', '.join(KINDS)}".removeprefix(": ")
    message = message[0].lower() + message[1:]
    got = first["input"]
    shown = "" if "got " in message or isinstance(got, dict | tuple | list) else f", got {got}"
    return f"{where}: {message}{shown}" if where else message


def _arguments(kind: str) -> list[str]:
    return [name for name in KINDS[kind].model_fields if name != "kind"]


def _value(text: str) -> Any:
    if span := _RANGE.fullmatch(text):
        return [_value(end) for end in span.groups()]
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return text.strip()


def _split(text: str) -> Iterator[str]:
    """The parts between commas that are outside brackets and quotes."""
    depth, quote, part = 0, "", ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter == "," and depth == 0:
            yield part
            part = ""
            continue
        else:
            depth += (letter in "[{") - (letter in "]}")
        part += letter
    if part.strip():
        yield part
