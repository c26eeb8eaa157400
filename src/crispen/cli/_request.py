"""The options of a request, made from the fields of `crispen.enhance.request.Request`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from crispen.enhance.options import Option

_SHORT = {"scale": "-s", "task": "-t", "model": "-m"}
_TYPES: dict[str, Any] = {"boolean": bool, "integer": int, "number": float, "string": str}
# What the command line adds to the field's own description.
_MORE = {
    "quality": "For videos, use --crf instead.",
    "task": "Can be repeated.",
    "vivid": "--vivid alone means 0.5.",
    "model": "Can be repeated, and can be a model file; 'crispen models' lists the names.",
}
# Options whose value can be left out: what they mean then, and what else may follow them.
_BARE = {
    "--vivid": ("0.5", r"[-+]?[\d.]+"),
    "--cluster": ("", r"local|auto|ray://.+|[\w.-]+:\d+"),
}
_SIZE = inspect.Parameter(
    "size",
    inspect.Parameter.KEYWORD_ONLY,
    default=None,
    annotation=Annotated[
        str | None,
        typer.Option(
            "--size",
            metavar="WxH",
            help="Width and height in one, such as 3840x2160; with --fit, the largest inside it.",
            show_default=False,
        ),
    ],
)


def with_values(arguments: Sequence[str]) -> list[str]:
    """Adds the default value to options that were given without one.

    >>> with_values(["--vivid", "photo.jpg"]), with_values(["--vivid", "1", "photo.jpg"])
    (['--vivid=0.5', 'photo.jpg'], ['--vivid', '1', 'photo.jpg'])
    """
    changed = list(arguments)
    for i, argument in enumerate(arguments):
        following = arguments[i + 1] if i + 1 < len(arguments) else ""
        if argument == "--":
            break
        if argument not in _BARE:
            continue
        usual, pattern = _BARE[argument]
        if not re.fullmatch(pattern, following):
            changed[i] = f"{argument}={usual}"
    return changed


class TakesRequest:
    """A command that has the options in place of its parameters ``request`` and ``at_hand``.

    It is called with a `Request` and the models that it names. The options are made when they are
    needed, since ``crispen --help`` does without them.
    """

    def __init__(self, command: Callable[..., int]) -> None:
        self._command = command
        self.__name__ = command.__name__
        self.__doc__ = command.__doc__

    @property
    def __signature__(self) -> inspect.Signature:
        parameters: list[inspect.Parameter] = []
        for parameter in inspect.signature(self._command).parameters.values():
            if parameter.name == "request":
                parameters.extend(_parameters())
            elif parameter.name != "at_hand":
                meant = eval(parameter.annotation, self._command.__globals__)
                parameters.append(
                    parameter.replace(annotation=meant, kind=inspect.Parameter.KEYWORD_ONLY)
                )
        return inspect.Signature(parameters)

    @property
    def __annotations__(self) -> dict[str, Any]:  # type: ignore[override]
        return {name: p.annotation for name, p in self.__signature__.parameters.items()}

    def __call__(self, **values: Any) -> int:
        """Run the command with the typed arguments."""
        from crispen.enhance.options import options
        from crispen.enhance.request import ask
        from crispen.enhance.target import parse_size

        size = values.pop("size")
        wanted = {field.name: values.pop(field.word) for field in options()}
        request, at_hand = ask(
            wanted.pop("models") or None,
            size=None if size is None else parse_size(size),
            tasks=wanted.pop("tasks") or None,
            **wanted,
        )
        return self._command(**values, request=request, at_hand=at_hand)


def _parameters() -> Iterator[inspect.Parameter]:
    from crispen.enhance.options import options

    for field in options():
        kind = _TYPES[field.type]
        many = list[kind] if field.many else kind  # type: ignore[valid-type]
        yield inspect.Parameter(
            field.word,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=Annotated[many if kind is bool else many | None, _option(field)],
        )
        if field.name == "scale":
            yield _SIZE


def _option(field: Option) -> Any:
    words = [f"--{field.word.replace('_', '-')}"]
    if field.word in _SHORT:
        words.append(_SHORT[field.word])
    limits = {"min": field.minimum, "max": field.maximum}
    if field.exclusive_minimum is not None:  # Typer has none; `Request` checks it
        limits = {}
    number = _TYPES[field.type]
    return typer.Option(
        *words,
        help=f"{field.description} {_MORE.get(field.word, '')}".strip(),
        show_default=field.usual or False,
        **{name: number(limit) for name, limit in limits.items() if limit is not None},
    )
