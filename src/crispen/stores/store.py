"""What every store can do, whatever its backend."""

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
        name: Its path below the store's folder, with ``/``.
        size: In bytes; None if the store does not tell.
        version: Changes when the file does; empty if the store does not tell.
    """

    name: str
    size: int | None = None
    version: str = ""


class Store(ABC):
    """A folder whose files can be listed, read and, for most, written; use it in ``with``.

    Names are relative to that folder. All methods may be called from several threads.

    Attributes:
        shown: The folder as shown to people, without credentials; ends with ``/``.
        writable: Whether `put` works.
        makes_folders: Whether `put` creates the folder.
    """

    writable = True
    makes_folders = True

    def __init__(self, shown: str) -> None:
        self.shown = shown

    @abstractmethod
    def files(self, *, recursive: bool, progress: Progress) -> Iterator[Entry]:
        """All files, one by one; names that begin with a dot are left out.

        Raises:
            InputError: The folder cannot be read.
        """

    @abstractmethod
    def find(self, name: str, progress: Progress) -> Entry | None:
        """A file, or None if there is none."""

    @abstractmethod
    def is_folder(self, name: str, progress: Progress) -> bool:
        """Whether there is a folder of this name; empty for the store's own."""

    @abstractmethod
    def start(self, name: str, size: int, progress: Progress) -> bytes:
        """The first bytes of a file."""

    @abstractmethod
    def fetch(self, entry: Entry, path: Path, progress: Progress) -> None:
        """Copy a file to the new file `path`, completely or not at all.

        Raises:
            InputError: It cannot be read, or changed in the meantime.
        """

    def put(self, path: Path, name: str, *, overwrite: bool, progress: Progress) -> None:
        """Copy a file into the store; it appears under its name only once it is complete.

        Raises:
            OutputError: It cannot be written, or exists and must not be replaced.
        """
        raise UsageError(f"{self.shown}: can only be read; give another -o")

    def hidden(self, folder: str, progress: Progress) -> Iterator[Entry]:
        """The files of a folder whose name begins with a dot; none if there is no such folder."""
        raise UsageError(f"{self.shown}: can only be read; give another -o")

    def local(self, entry: Entry) -> Path | None:
        """The file's local path; None if it must be fetched."""
        return None

    def of(self, entry: Entry) -> str:
        """A file's address, for people and records."""
        return f"{self.shown}{entry.name}"

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Release what it holds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def check_place(name: str) -> None:
    """Refuses a name that could lead outside the folder that a result is written into.

    Raises:
        InputError: It could.

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
    """Whether the name of a file, or of a folder that it is in, begins with a dot."""
    return any(part.startswith(HIDDEN) for part in name.split("/"))
