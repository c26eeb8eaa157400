"""The interface of all stores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Self

from crispen.errors import InputError, UsageError
from crispen.progress import Progress

HIDDEN = "."


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in a store.

    Attributes:
        name: Path relative to the store's folder, with ``/``.
        size: Size in bytes; None if unknown.
        version: Changes when the file does, such as an ETag; empty if unknown.
    """

    name: str
    size: int | None = None
    version: str = ""


class Store(ABC):
    """A folder whose files can be listed, read and usually written; use it in a ``with`` block.

    Names are relative to that folder. All methods may be called from several threads.

    Attributes:
        shown: Address of the folder for display, without credentials; ends with ``/``.
        writable: Whether `put` is supported.
        makes_folders: Whether `put` creates missing folders.
        portable_names: Whether it refuses names that Windows refuses.
    """

    writable = True
    makes_folders = True
    portable_names = False

    def __init__(self, shown: str) -> None:
        self.shown = shown

    @property
    def ignores_case(self) -> bool:
        """Whether names that differ only in their letters' cases are one file."""
        return False

    @abstractmethod
    def files(self, *, recursive: bool, progress: Progress) -> Iterator[Entry]:
        """Iterates over all files, except those whose name begins with a dot.

        Args:
            recursive: Include files in subfolders.
            progress: Can cancel.

        Raises:
            InputError: The folder cannot be read.
        """

    @abstractmethod
    def find(self, name: str, progress: Progress) -> Entry | None:
        """The file with this name, or None if it does not exist."""

    @abstractmethod
    def is_folder(self, name: str, progress: Progress) -> bool:
        """Whether a folder with this name exists; an empty name is the store's own folder."""

    @abstractmethod
    def start(self, name: str, size: int, progress: Progress) -> bytes:
        """The first `size` bytes of a file, or fewer if it is shorter."""

    @abstractmethod
    def fetch(self, entry: Entry, path: Path, progress: Progress) -> None:
        """Copy a file to the new file `path`, completely or not at all.

        Raises:
            InputError: The file cannot be read, or changed during the copy.
        """

    def put(self, path: Path, name: str, *, overwrite: bool, progress: Progress) -> None:
        """Copy a file into the store; it appears under its name only once it is complete.

        Raises:
            OutputError: The file cannot be written, or exists and `overwrite` is false.
        """
        raise UsageError(f"{self.shown}: is read-only; choose another -o")

    def hidden(self, folder: str, progress: Progress) -> Iterator[Entry]:
        """The files of a hidden folder, whose name begins with a dot; none if it does not exist."""
        raise UsageError(f"{self.shown}: is read-only; choose another -o")

    def local(self, entry: Entry) -> Path | None:
        """The file's path on this machine; None if it must be fetched."""
        return None

    def of(self, entry: Entry) -> str:
        """A file's address, for display and records."""
        return f"{self.shown}{entry.name}"

    def close(self) -> None:  # noqa: B027 - most have nothing to release
        """Release connections and open files."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def check_place(name: str) -> None:
    """Checks that a name stays inside the folder into which a result is written.

    Raises:
        InputError: The name is absolute, or has an empty, ``.`` or ``..`` part or a backslash.

    >>> check_place("../a.jpg")
    Traceback (most recent call last):
    ...
    crispen.errors.InputError: '../a.jpg': no name for a file in a folder; rename it there
    """
    parts = name.split("/")
    unsafe = any(part in ("", ".", "..") or "\0" in part or "\\" in part for part in parts)
    if unsafe or PurePosixPath(name).is_absolute():
        raise InputError(f"{name!r}: no name for a file in a folder; rename it there")


def is_hidden(name: str) -> bool:
    """Whether the name of a file or of one of its folders begins with a dot."""
    return any(part.startswith(HIDDEN) for part in name.split("/"))
