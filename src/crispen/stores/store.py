"""What every store can do, whatever is behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from crispen.errors import InputError, UsageError
from crispen.progress import Progress

HIDDEN = "."


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in a store.

    Attributes:
        name: Where it is below the store's folder, with ``/``.
        size: In bytes; None where the store does not say.
        version: What changes when the file does; empty where the store does not say.
    """

    name: str
    size: int | None = None
    version: str = ""


class Store(ABC):
    """A folder whose files can be listed, read and, for most, written; use it in ``with``.

    Names are relative to that folder. All methods may be called from several threads.

    Attributes:
        shown: The folder for people and records, without credentials; ends with ``/``.
        writable: Whether `put` works.
        makes_folders: Whether the folder is made when something is put there.
    """

    writable = True
    makes_folders = True

    def __init__(self, shown: str) -> None:
        self.shown = shown

    @abstractmethod
    def files(self, *, recursive: bool, progress: Progress) -> Iterator[Entry]:
        """All files, one after the other; names that begin with a dot are left out.

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
        """Copy a file to the new file `path`, whole or not at all.

        Raises:
            InputError: It cannot be read, or changed meanwhile.
        """

    def put(self, path: Path, name: str, *, overwrite: bool, progress: Progress) -> None:
        """Copy a file into the store; it appears under its name when all of it is there.

        Raises:
            OutputError: It cannot be written, or exists and may not be replaced.
        """
        raise UsageError(f"{self.shown}: can only be read; give another -o")

    def hidden(self, folder: str, progress: Progress) -> Iterator[Entry]:
        """The files of a folder whose name begins with a dot; none where there is no such."""
        raise UsageError(f"{self.shown}: can only be read; give another -o")

    def local(self, entry: Entry) -> Path | None:
        """Where a file is on this machine; None if it must be fetched."""
        return None

    def of(self, entry: Entry) -> str:
        """A file's address, for people and records."""
        return f"{self.shown}{entry.name}"

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Give back what it holds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def check_place(name: str) -> None:
    """Refuses a name that could lead out of the folder that a result is written into.

    Raises:
        InputError: It is one.

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
    """Whether a file, or a folder that it is in, begins with a dot."""
    return any(part.startswith(HIDDEN) for part in name.split("/"))
