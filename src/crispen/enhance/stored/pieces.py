"""Expands paths, addresses and patterns into files, local or in stores."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from crispen.enhance.folders import Found, Tree, named
from crispen.errors import InputError, MissingInput, UsageError
from crispen.media.format_choice import is_video_name
from crispen.media.image import is_image_name
from crispen.progress import Progress
from crispen.stores.address import WEB, Address, file_name, is_address, parse
from crispen.stores.folder import FolderStore
from crispen.stores.opening import Stores
from crispen.stores.store import Entry, Store


@dataclass(frozen=True, slots=True)
class Piece:
    """A file to enhance.

    Attributes:
        store: Its store.
        entry: Its entry in the store.
        typed: Whether the user named the file, rather than a folder or pattern.
    """

    store: Store
    entry: Entry
    typed: bool

    @property
    def of(self) -> str:
        """Its address or path, for display and records."""
        return self.store.of(self.entry)

    @property
    def known(self) -> bool:
        """Whether its suffix is that of a picture or a video."""
        return is_image_name(self.entry.name) or is_video_name(self.entry.name)


def pieces(text: str, stores: Stores, *, recursive: bool, progress: Progress) -> Iterator[Piece]:
    """Iterates over the files of a folder or a pattern, or over a single file.

    Args:
        text: A path or an address.
        stores: Opens the stores of addresses.
        recursive: Include files in subfolders.
        progress: Can cancel.

    Raises:
        MissingInput: The file or folder does not exist, or no file matches the pattern.
        UsageError: A web address has no file name.
        InputError: The folder is empty or cannot be read.
    """
    if not is_address(text):
        yield from _local(text, recursive)
        return
    address = parse(text)
    if address.scheme not in WEB and glob.has_magic(address.text):
        yield from _matching(address, stores, progress)
        return
    store = stores.of(address)
    if address.name:
        name = file_name(address)
        entry = store.find(name, progress)
        if entry is not None:
            yield Piece(store, entry, True)
            return
        if not store.is_folder(name, progress):
            raise MissingInput(f"{address.shown}: no such file or folder; check the address")
        store = stores.of(address.as_folder())
    elif address.scheme in WEB:
        raise UsageError(f"{address.shown}: names no file, and files on the web cannot be listed")
    found = False
    for entry in store.files(recursive=recursive, progress=progress):
        found = True
        yield Piece(store, entry, False)
    if not found:
        hint = "" if recursive else "; --recursive looks into folders below it"
        raise InputError(f"{store.shown}: no files in this folder{hint}")


def is_many(text: str) -> bool:
    """Whether a path or address may mean several files: a folder or a pattern."""
    if is_address(text):
        address = parse(text)
        return not address.name or (address.scheme not in WEB and glob.has_magic(address.text))
    return os.path.isdir(text) or glob.has_magic(text)


def _local(text: str, recursive: bool) -> Iterator[Piece]:
    typed = not os.path.isdir(text)
    for found in named(text) if typed else _below(Path(text), recursive):
        path = Path(os.path.abspath(found.path))
        depth = len(found.inside.parts)
        store = FolderStore(path.parents[depth - 1])
        entry = store.find(found.inside.as_posix(), Progress())
        if entry is not None:
            yield Piece(store, entry, typed)
        elif typed:
            raise MissingInput(f"{found.path}: no such file; check the path")


def _below(folder: Path, recursive: bool) -> Iterator[Found]:
    def wanted(path: Path) -> bool:
        return is_image_name(path) or is_video_name(path)

    return Tree(folder, recursive, None, wanted).found()


def _matching(address: Address, stores: Stores, progress: Progress) -> Iterator[Piece]:
    """The files that match a pattern; ``**`` matches any number of folders."""
    whole = f"{address.folder}{address.name}"
    before = whole[: re.search(r"[*?[]", whole).start()]  # type: ignore[union-attr]
    base = parse(before[: before.rindex("/") + 1])
    pattern = whole[len(base.folder) :]
    wanted = re.compile(translate(pattern))
    store, found = stores.of(base), False
    for entry in store.files(recursive="/" in pattern, progress=progress):
        if wanted.fullmatch(entry.name):
            found = True
            yield Piece(store, entry, False)
    if not found:
        raise MissingInput(f"{address.shown}: no file matches; check the pattern and the folder")


def translate(pattern: str) -> str:
    """Translates a shell pattern with ``**`` into a regular expression.

    >>> bool(re.fullmatch(translate("**/*.jpg"), "2024/may/a.jpg"))
    True
    >>> bool(re.fullmatch(translate("*/a?.[jp]*"), "2024/a1.png"))
    True
    """
    parts: list[str] = []
    for token in re.findall(r"\*\*/|\*\*|\*|\?|\[[^]]+\]|.", pattern, re.DOTALL):
        if token == "**/":
            parts.append("(?:[^/]+/)*")
        elif token == "**":
            parts.append(".*")
        elif token == "*":
            parts.append("[^/]*")
        elif token == "?":
            parts.append("[^/]")
        elif len(token) > 1:
            inside = token[1:-1].replace("\\", r"\\")
            parts.append(f"[{'^' + inside[1:] if inside[0] == '!' else inside}]")
        else:
            parts.append(re.escape(token))
    return "".join(parts)
