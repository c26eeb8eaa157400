"""Packages that can be called like the function they are named after.

``crispen.enhance`` and ``crispen.models`` are rooms of the house and, to whoever uses it,
functions. Importing a submodule binds the package under that name in its parent, so that a function
of the same name would be lost with the first import; a package that can be called is both.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


def make_callable(name: str, function: Callable[..., Any]) -> None:
    """Let the imported package `name` be called as `function`."""

    class CallableModule(ModuleType):
        def __call__(self, *args: Any, **options: Any) -> Any:
            return function(*args, **options)

    CallableModule.__call__.__doc__ = function.__doc__
    CallableModule.__call__.__wrapped__ = function  # type: ignore[attr-defined]
    sys.modules[name].__class__ = CallableModule
