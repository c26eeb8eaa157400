"""The files that what was typed stands for, one after the other, wherever they are."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from crispen.enhance.folders import expand
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
        store: Where it is.
        entry: Which it is there.
        typed: Whether it was named itself, rather than found in a folder.
    """

    store: Store
    entry: Entry
    typed: bool

    @property
    def of(self) -> str:
        """Its address or path, for people and records."""
        return self.store.of(self.entry)

    @property
    def known(self) -> bool:
        """Whether its name says that it is a picture or a video."""
        return is_image_name(self.entry.name) or is_video_name(self.entry.name)


def pieces(text: str, stores: Stores, *, recursive: bool, progress: Progress) -> Iterator[Piece]:
    """The files of a folder, a pattern or a name.

    Args:
        text: A path or an address.
        stores: Where addresses are.
        recursive: Look into folders below a folder.
        progress: Can cancel.

    Raises:
        InputError: There is no such file, or a folder has none that can be read.
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
        raise UsageError(f"{address.shown}: names no file, and the web has no lists of them")
    found = False
    for entry in store.files(recursive=recursive, progress=progress):
        found = True
        yield Piece(store, entry, False)
    if not found:
        hint = "" if recursive else "; --recursive looks into folders below it"
        raise InputError(f"{store.shown}: no files in this folder{hint}")


def is_many(text: str) -> bool:
    """Whether this may stand for many files: a folder or a pattern."""
    if is_address(text):
        address = parse(text)
        return not address.name or (address.scheme not in WEB and glob.has_magic(address.text))
    return os.path.isdir(text) or glob.has_magic(text)


def _local(text: str, recursive: bool) -> Iterator[Piece]:
    typed = not os.path.isdir(text)
    listing = expand(
        text,
        recursive=recursive,
        skip=None,
        wanted=lambda path: is_image_name(path) or is_video_name(path),
    )
    for found in listing.found:
        path = Path(os.path.abspath(found.path))
        depth = len(found.inside.parts)
        store = FolderStore(path.parents[depth - 1])
        entry = store.find(found.inside.as_posix(), Progress())
        if entry is None:
            raise MissingInput(f"{found.path}: no such file; check the path")
        yield Piece(store, entry, typed)


def _matching(address: Address, stores: Stores, progress: Progress) -> Iterator[Piece]:
    """What a pattern stands for; ``**`` is any folders."""
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
    """A regular expression for a pattern, as a shell with ``**`` reads it.

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
