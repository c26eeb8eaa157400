"""Packages that share their name with a public function: ``crispen.enhance``, ``crispen.models``.

Importing a submodule binds its package in the parent, so ``import crispen.enhance.target`` would
replace the function ``crispen.enhance`` by the package. Here the parent keeps the function, so that
``help`` and ``inspect.signature`` show the function; the package's modules are its attributes, so
that ``crispen.enhance.target`` works as well.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


class Room(ModuleType):
    """A package with a function of the same name, which has the package's modules as attributes."""

    _function: Callable[..., Any]

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if isinstance(value, ModuleType):
            setattr(self._function, name, value)


class House(ModuleType):
    """The parent package: binds the function where the import system would bind the package."""

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value._function if isinstance(value, Room) else value)


def share_name(package: str, function: Callable[..., Any]) -> None:
    """Let a package's name mean the function in its parent; called at the end of its import.

    Args:
        package: Full name of the package that is being imported.
        function: What its name means to users.
    """
    room = sys.modules[package]
    modules = {name: v for name, v in vars(room).items() if isinstance(v, ModuleType)}
    for name, module in modules.items():
        setattr(function, name, module)
    # Set before the class, whose own __setattr__ needs it.
    room._function = function  # type: ignore[attr-defined]
    room.__class__ = Room
