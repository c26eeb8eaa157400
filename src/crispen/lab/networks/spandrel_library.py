"""The library ``spandrel``: its architectures by name, and the arguments of each.

It requires torchvision, which is large and must match PyTorch's exact version. Only two of its
forty architectures import three functions from torchvision: one fills holes, the other restores
faces, and neither can be used here. If torchvision is not installed, empty stand-ins exist while
``spandrel`` is imported and are removed afterwards.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import inspect
import sys
import types
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, create_model
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError
from torch import nn

from crispen.errors import UsageError, nearest_names
from crispen.models.published import needs_spandrel

# What a recipe sets elsewhere, under the constructors' names.
SCALES = ("scale", "up_scale", "upscale", "upscale_factor", "upscaling_factor")
CHANNELS = (
    *("in_ch", "in_channels", "in_chans", "in_nc", "inp_channels", "num_in_ch", "dd_in"),
    *("out_ch", "out_channels", "out_chans", "out_nc", "num_out_ch", "img_channel", "n_colors"),
)
_STANDINS: dict[str, dict[str, Any]] = {
    "torchvision": {},
    "torchvision.transforms": {},
    "torchvision.transforms.functional": {
        "InterpolationMode": types.SimpleNamespace(BILINEAR="bilinear", NEAREST="nearest"),
        "normalize": None,
        "rotate": None,
    },
}


@contextlib.contextmanager
def _without_torchvision() -> Iterator[None]:
    """Stand-ins for what is imported from torchvision, if it is not installed."""
    if "torchvision" in sys.modules or importlib.util.find_spec("torchvision") is not None:
        yield
        return
    for name, content in _STANDINS.items():
        module = types.ModuleType(name)
        vars(module).update(content)
        sys.modules[name] = module
    try:
        yield
    finally:
        for name in _STANDINS:
            del sys.modules[name]


@functools.cache
def library() -> Any:
    """The imported library.

    Raises:
        MissingExtra: It is not installed.
    """
    with needs_spandrel("a network of spandrel"), _without_torchvision():
        import spandrel
    return spandrel


@functools.cache
def classes() -> dict[str, type[nn.Module]]:
    """Its networks by their own names, and by architectures with a single network."""
    by_class: dict[str, type[nn.Module]] = {}
    by_architecture: dict[str, type[nn.Module]] = {}
    for support in library().MAIN_REGISTRY.architectures():
        (base,) = type(support.architecture).__orig_bases__  # Architecture[A], or of A | B
        (made,) = get_args(base)
        members = get_args(made) or (made,)
        by_class |= {member.__name__: member for member in members}
        if len(members) == 1:
            by_architecture[support.architecture.id] = members[0]
    return by_architecture | by_class


def class_of(name: str) -> type[nn.Module]:
    """The network that a recipe names.

    Raises:
        UsageError: There is no such network; the error lists the nearest names.
    """
    known = classes()
    if name not in known:
        lower = {key.lower(): key for key in known}
        hint = nearest_names(name, known, also=lower)
        raise UsageError(
            f"architecture: spandrel has none called '{name}'"
            f"{hint or '; those are ' + ', '.join(sorted(known))}"
        )
    return known[name]


@functools.cache
def arguments_of(name: str) -> type[BaseModel]:
    """A strict table of a network's arguments, except its scale and channels.

    What no recipe can express, such as the class of a layer, is left out.

    Raises:
        UsageError: See `class_of`.
    """
    made = class_of(name)
    fields: dict[str, Any] = {}
    hints = _hints(made)
    given = given_by_recipe(name)
    for key, argument in inspect.signature(made).parameters.items():
        if key in given:
            continue
        kind = hints.get(key) or _kind_of(argument.default)
        if kind is not None:
            fields[key] = (kind, ... if argument.default is argument.empty else argument.default)
    return create_model(
        made.__name__,
        __config__=ConfigDict(extra="forbid", frozen=True, validate_default=True),
        **fields,
    )


def given_by_recipe(name: str) -> dict[str, bool]:
    """The arguments that are the recipe's scale (True) or its channels (False)."""
    return {
        key: key in SCALES
        for key, argument in inspect.signature(class_of(name)).parameters.items()
        # One network outputs four planes of its own.
        if (key in SCALES and not isinstance(argument.default, list))
        or (key in CHANNELS and argument.default in (1, 3, argument.empty))
    }


def _hints(made: type[nn.Module]) -> dict[str, Any]:
    """The annotations against which a recipe's value can be checked."""
    try:
        written = get_type_hints(made.__init__)
    except (NameError, TypeError):  # for a name that exists only for type checkers
        return {}
    return {name: kind for name, kind in written.items() if _is_checkable(kind)}


def _is_checkable(kind: Any) -> bool:
    try:
        TypeAdapter(kind).json_schema()
    except (PydanticSchemaGenerationError, PydanticUserError):
        return False
    return True


def _kind_of(default: Any) -> Any:
    """The type of an argument that has no annotation."""
    if default is None:
        return float | None
    if isinstance(default, bool | int | float | str):
        return type(default)
    if isinstance(default, list | tuple) and default:
        kinds = {type(entry) for entry in default}
        if kinds <= {bool, int, float, str}:
            return list[float if kinds == {int, float} else kinds.pop()]  # type: ignore[misc]
    return None
