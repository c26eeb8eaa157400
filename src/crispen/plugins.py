"""Plug-ins from packages and single files: networks, losses, degradations, data, metrics, tasks.

An installed package lists what it offers as entry points, one group for each kind::

    [project.entry-points."crispen.networks"]
    tiny = "my_package.networks:Tiny"

A recipe or an option can also name a class in a file: ``kind = "path/to/file.py:Tiny"``. What ships
with Crispen cannot be replaced: its names come first.

Nothing is searched for or imported until a name is looked up.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from crispen.errors import MissingInput, UsageError, nearest_names

Group = Literal["networks", "losses", "degradations", "data", "metrics", "tasks"]

_IN_FILE = re.compile(r"(?P<path>.+\.py):(?P<name>[A-Za-z_]\w*)")


@functools.cache
def installed(group: Group) -> dict[str, importlib.metadata.EntryPoint]:
    """Entry points of installed packages in a group, by name; nothing is imported yet."""
    found = importlib.metadata.entry_points(group=f"crispen.{group}")
    return {entry.name: entry for entry in sorted(found, key=lambda entry: entry.name)}


def in_file(reference: str) -> tuple[Path, str] | None:
    """File and name of a reference; None if it refers to an installed name.

    >>> in_file("nets/tiny.py:Tiny")
    (PosixPath('nets/tiny.py'), 'Tiny')
    >>> in_file("plain")
    """
    found = _IN_FILE.fullmatch(reference)
    return (Path(found["path"]), found["name"]) if found else None


def short_name(reference: str) -> str:
    """A name for logs and cards: the part after the file.

    >>> short_name("/home/me/nets/tiny.py:Tiny"), short_name("plain")
    ('Tiny', 'plain')
    """
    found = in_file(reference)
    return found[1] if found else reference


def find(group: Group, reference: str) -> Any:
    """The object that an entry point or a file defines; None if there is no such entry point.

    Raises:
        MissingInput: The file is not there.
        UsageError: It cannot be imported, or has no such name.
    """
    place = in_file(reference)
    if place is not None:
        return _from_file(*place)
    entry = installed(group).get(reference)
    if entry is None:
        return None
    try:
        return entry.load()
    except Exception as error:  # a third-party module may raise anything
        raise UsageError(
            f"plug-in '{reference}' ({entry.value}) cannot be imported: "
            f"{type(error).__name__}: {error}; update or uninstall its package"
        ) from error


def _from_file(path: Path, name: str) -> Any:
    if not path.is_file():
        raise MissingInput(f"{path}: no such file; a plug-in is named as path/to/file.py:Name")
    path = path.resolve()
    module = _module(path, path.stat().st_mtime_ns)
    try:
        return getattr(module, name)
    except AttributeError:
        names = [n for n, value in vars(module).items() if isinstance(value, type)]
        raise UsageError(f"{path}: defines no '{name}'{nearest_names(name, names)}") from None


@functools.lru_cache(maxsize=64)
def _module(path: Path, changed: int) -> ModuleType:
    """The imported file, imported again when it has changed."""
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:12]
    name = f"crispen_plugin_{path.stem}_{digest}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    # Classes are pickled, and their annotations looked up, by the name of their module.
    sys.modules[name] = module
    try:
        # Not by the spec's loader: it would leave a folder beside the file, and take what is in
        # there for the file if that has changed within a second.
        exec(compile(path.read_bytes(), path, "exec"), module.__dict__)
    except Exception as error:
        del sys.modules[name]
        raise UsageError(
            f"{path}: cannot be imported: {type(error).__name__}: {error}; "
            f"'python {path.name}' shows where"
        ) from error
    return module


def with_absolute_paths(value: Any, folder: Path) -> Any:
    """A recipe's tables with the files of plug-ins as absolute paths.

    Args:
        value: A table, a list of them, or anything inside one.
        folder: Where relative paths begin; the current folder is tried after it.
    """
    if isinstance(value, list):
        return [with_absolute_paths(entry, folder) for entry in value]
    if not isinstance(value, dict):
        return value
    changed = {key: with_absolute_paths(entry, folder) for key, entry in value.items()}
    place = in_file(changed["kind"]) if isinstance(changed.get("kind"), str) else None
    if place is not None:
        path, name = place
        near = folder / path
        changed["kind"] = f"{(near if near.is_file() else path).absolute()}:{name}"
    return changed


def files_of(value: Any) -> Iterator[Path]:
    """The files of plug-ins that a recipe's tables name."""
    if isinstance(value, dict):
        place = in_file(value["kind"]) if isinstance(value.get("kind"), str) else None
        if place is not None:
            yield place[0]
        value = list(value.values())
    if isinstance(value, list | tuple):
        for entry in value:
            yield from files_of(entry)
