"""Errors that users can cause, and how they are reported.

::

    CrispenError                     one line: what, why, what to do
    ├── UsageError        (also ValueError)         an option or argument does not fit   exit 2
    │   └── ResultTooLarge                          more pixels than are allowed here
    ├── InputError        (also ValueError)         a file cannot be read as what it claims
    │   └── MissingInput  (also FileNotFoundError)  no such file
    ├── OutputError       (also OSError)            a result cannot be written
    ├── ModelError        (also ValueError)         a model that does not work
    │   └── UnknownModel                            no such model                        exit 2
    ├── MissingExtra      (also ImportError)        an optional part is not installed
    ├── TrainingError     (also RuntimeError)       a training run cannot continue
    ├── ServerError       (also ConnectionError)    a server refuses, or does not answer
    └── Cancelled                                   Ctrl-C or a cancel button            exit 130

Errors of libvips, FFmpeg, OpenVINO and ONNX Runtime become one of these at the edge; nothing
above that edge catches theirs.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

# Characters that end a line or steer a terminal; names and values that are quoted may hold them.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class CrispenError(Exception):
    r"""The root: its text is one line for a person, with what to do next.

    >>> print(CrispenError("no file called 'a\nb'"))
    no file called 'a\nb'
    """

    exit_code = 1

    def __init__(self, *args: object) -> None:
        super().__init__(*(_on_one_line(part) if isinstance(part, str) else part for part in args))


def _on_one_line(text: str) -> str:
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class UsageError(CrispenError, ValueError):
    """An option, argument or recipe key that does not fit.

    Args:
        field: The field of a request that is at fault, where it is one.
    """

    exit_code = 2

    def __init__(self, *args: object, field: str | None = None) -> None:
        super().__init__(*args)
        self.field = field


class ResultTooLarge(UsageError):
    """A size above the limit set for this program."""


class InputError(CrispenError, ValueError):
    """A file that cannot be read as what it claims to be."""


class MissingInput(InputError, FileNotFoundError):
    """A file or folder that is not there."""

    # FileNotFoundError would print "[Errno 2]" before a text of two arguments.
    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class OutputError(CrispenError, OSError):
    """A result that cannot be written; nothing half-written is left."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class ModelError(CrispenError, ValueError):
    """A model that is unknown, broken, or cannot be fetched."""


class UnknownModel(ModelError):
    """No model has this name or path: a wrong option rather than a bad file."""

    exit_code = 2


class MissingExtra(CrispenError, ImportError):
    """An optional dependency that is not installed; the text holds the line to type."""

    exit_code = 2


class TrainingError(CrispenError, RuntimeError):
    """A training run that cannot continue."""


class ServerError(CrispenError, ConnectionError):
    """A server refuses a client's request, or does not answer.

    Attributes:
        code: For programs, such as ``not_found``; see the server's API.
        status: Of HTTP; 0 where there was no answer.
    """

    def __init__(self, message: str, code: str = "unknown", status: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.status = status

    def __str__(self) -> str:
        return str(self.args[0])


class Cancelled(CrispenError):
    """The user stopped it."""

    exit_code = 130

    def __init__(self, message: str = "stopped; finished files are complete, no other was begun"):
        super().__init__(message)


@contextmanager
def needs_extra(purpose: str, extra: str, *, otherwise: str = "") -> Iterator[None]:
    """Wrap imports that only an extra of the package makes possible.

    Args:
        purpose: What needs the extra, as the start of a sentence.
        extra: Its name in pyproject.toml.
        otherwise: What else can be done about it.

    Raises:
        MissingExtra: A package is not installed; the text holds the line that installs it.

    >>> with needs_extra("training", "train"):
    ...     import no_such_package
    Traceback (most recent call last):
    ...
    crispen.errors.MissingExtra: training needs no_such_package; type: pip install 'crispen[train]'
    """
    try:
        yield
    except ModuleNotFoundError as error:
        name = error.name or ""
        if name.partition(".")[0] == "crispen":
            raise  # a bug, which no installation fixes
        text = f"{purpose} needs {name}; type: pip install 'crispen[{extra}]'"
        raise MissingExtra(text + (f", {otherwise}" if otherwise else "")) from error


def nearest_names(
    name: str,
    known: Iterable[str],
    *,
    limit: int = 3,
    also: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """``'; did you mean a, b?'``, or an empty string when nothing is near.

    Args:
        name: What was asked for.
        known: What there is.
        limit: Maximum number of names.
        also: Other names in lower case, and which of the known ones each means.

    >>> nearest_names("foto-x2", ["photo-x2", "espcn-x2"])
    '; did you mean photo-x2, espcn-x2?'
    """
    meant = also.get(name.lower())
    near = [meant] if meant else difflib.get_close_matches(name, sorted(known), limit, 0.4)
    return f"; did you mean {', '.join(near)}?" if near else ""


# Pydantic's kinds of complaint, in words for people who fill in a form or type an address.
_INVALID = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "extra_forbidden": "is unknown; /docs lists what is accepted",
    "finite_number": "must be a finite number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "json_invalid": "is not valid JSON",
    "less_than_equal": "must be at most {le:g}",
    "list_type": "must be a list",
    "literal_error": "must be {expected}",
    "missing": "is missing",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "string_type": "must be text",
    "too_long": "must have at most {max_length} entries",
}


def describe_invalid(one: Mapping[str, Any]) -> str:
    """What is wrong with one value, from one of the entries of pydantic's `ValidationError`.

    >>> about = {"loc": ("body", "options", "width"), "ctx": {"le": 65500}, "msg": "Input …"}
    >>> describe_invalid({"type": "less_than_equal", **about})
    'width must be at most 65500'
    """
    # Its position in the request or in a list does not help.
    name = next((part for part in reversed(one["loc"]) if isinstance(part, str)), "")
    words = _INVALID.get(one["type"])
    together = not name or "field" in one.get("ctx", {})
    if words is None and together:  # it concerns several values
        return str(one["msg"]).removeprefix("Value error, ")
    name = name or "body"
    if words is None:
        return f"{name}: {one['msg'].removeprefix('Value error, ')}"
    text = f"{name} {words.format(**one.get('ctx', {}))}"
    if one["type"] == "literal_error" and isinstance(one.get("input"), str):
        text += nearest_names(one["input"], re.findall(r"'([^']*)'", one["ctx"]["expected"]))
    return text
