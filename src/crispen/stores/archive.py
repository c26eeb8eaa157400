"""Zip files as read-only folders. An archive in another store is downloaded first."""

from __future__ import annotations

import lzma
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from crispen.errors import InputError, MissingInput
from crispen.progress import Progress
from crispen.stores.store import Entry, Store, is_hidden

# Encryption or an unknown compression method raises RuntimeError.
_DAMAGED = (
    zipfile.BadZipFile,
    lzma.LZMAError,
    zlib.error,
    RuntimeError,
    OSError,
    ValueError,
    EOFError,
)


class ArchiveStore(Store):
    """A folder in a zip file.

    Args:
        archive: Path of the zip file.
        folder: Folder in the archive, ending with ``/``; empty for the whole archive.
        shown: Address of the folder, for display.

    Raises:
        MissingInput: The file does not exist.
        InputError: The file is not a zip file.
    """

    writable = False

    def __init__(self, archive: Path, folder: str, shown: str) -> None:
        super().__init__(shown)
        self._folder = folder
        try:
            self._zip = zipfile.ZipFile(archive)
        except FileNotFoundError as error:
            raise MissingInput(f"{archive}: no such file; check the path") from error
        except (zipfile.BadZipFile, OSError) as error:
            raise InputError(f"{archive}: cannot be read as a zip file ({error})") from error

    def files(self, *, recursive: bool, progress: Progress) -> Iterator[Entry]:
        """All files, without hidden ones and those that macOS adds."""
        for about in self._zip.infolist():
            name = about.filename.removeprefix(self._folder)
            if about.is_dir() or not about.filename.startswith(self._folder):
                continue
            if is_hidden(name) or about.filename.startswith("__MACOSX/"):
                continue
            if recursive or "/" not in name:
                yield _entry(about, name)

    def find(self, name: str, progress: Progress) -> Entry | None:
        """The file with this name, or None if it does not exist."""
        try:
            about = self._zip.getinfo(self._folder + name)
        except KeyError:
            return None
        return None if about.is_dir() else _entry(about, name)

    def is_folder(self, name: str, progress: Progress) -> bool:
        """Whether a folder with this name exists."""
        inside = f"{self._folder}{name}/" if name else self._folder
        return any(known.startswith(inside) for known in self._zip.namelist())

    def start(self, name: str, size: int, progress: Progress) -> bytes:
        """The first `size` bytes of a file, or fewer if it is shorter."""
        try:
            with self._zip.open(self._folder + name) as file:
                return file.read(size)
        except _DAMAGED as error:
            raise InputError(f"{self.shown}{name}: cannot be read ({error})") from error

    def fetch(self, entry: Entry, path: Path, progress: Progress) -> None:
        """Unpack a file to the new file `path`."""
        progress.check()
        part = path.with_name(f"{path.name}.part")
        try:
            with self._zip.open(self._folder + entry.name) as file, part.open("wb") as target:
                shutil.copyfileobj(file, target, 1 << 20)
        except _DAMAGED as error:
            raise InputError(f"{self.of(entry)}: cannot be read ({error})") from error
        part.replace(path)

    def close(self) -> None:
        """Close the archive."""
        self._zip.close()


def _entry(about: zipfile.ZipInfo, name: str) -> Entry:
    return Entry(name, about.file_size, f"{about.CRC:08x}")
