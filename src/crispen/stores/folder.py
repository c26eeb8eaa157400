"""A folder on this machine, usable as source or target."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from crispen.errors import InputError, OutputError
from crispen.media.atomic import commit, open_beside
from crispen.media.file_names import ignores_case, on_windows
from crispen.progress import Progress
from crispen.stores.store import HIDDEN, Entry, Store, check_place


class FolderStore(Store):
    """A folder as a store.

    Args:
        folder: Path of the folder; `put` creates it.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(os.path.join(folder, ""))
        self._folder = folder
        self.portable_names = on_windows()

    @functools.cached_property
    def ignores_case(self) -> bool:
        """Whether the file system of the folder does not distinguish letters' cases."""
        return ignores_case(self._folder)

    def files(self, *, recursive: bool, progress: Progress) -> Iterator[Entry]:
        """All files; none if the folder does not exist."""
        if not self._folder.is_dir():
            return
        for where, folders, names in os.walk(self._folder, onerror=_refuse):
            progress.check()
            kept = sorted(name for name in folders if not name.startswith(HIDDEN))
            folders[:] = kept if recursive else []
            for name in sorted(names):
                if not name.startswith(HIDDEN):
                    path = Path(where, name)
                    yield _entry(path, path.relative_to(self._folder).as_posix())

    def hidden(self, folder: str, progress: Progress) -> Iterator[Entry]:
        """The files of a hidden folder, whose name begins with a dot."""
        if (self._folder / folder).is_dir():
            for path in sorted((self._folder / folder).iterdir()):
                yield _entry(path, f"{folder}/{path.name}")

    def find(self, name: str, progress: Progress) -> Entry | None:
        """The file with this name, or None if it does not exist."""
        path = self._folder / name
        return _entry(path, name) if path.is_file() else None

    def is_folder(self, name: str, progress: Progress) -> bool:
        """Whether a folder with this name exists."""
        return (self._folder / name).is_dir()

    def start(self, name: str, size: int, progress: Progress) -> bytes:
        """The first `size` bytes of a file, or fewer if it is shorter."""
        with (self._folder / name).open("rb") as file:
            return file.read(size)

    def fetch(self, entry: Entry, path: Path, progress: Progress) -> None:
        """Copy a file to the new file `path`."""
        shutil.copyfile(self._folder / entry.name, path)

    def put(self, path: Path, name: str, *, overwrite: bool, progress: Progress) -> None:
        """Copy a file into the folder; it appears under its name only once it is complete."""
        check_place(name)
        target = self._folder / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary, file = open_beside(target)
            try:
                with file, path.open("rb") as source:
                    shutil.copyfileobj(source, file, 1 << 20)
                    file.flush()
                    os.fsync(file.fileno())
                commit(temporary, target, overwrite=overwrite)
            finally:
                temporary.unlink(missing_ok=True)
        except OutputError:
            raise
        except OSError as error:
            raise OutputError(
                f"{target}: cannot be written: {error.strerror or error}; make room or choose "
                "another -o"
            ) from error

    def local(self, entry: Entry) -> Path:
        """The file's local path."""
        return self._folder / entry.name


def _entry(path: Path, name: str) -> Entry:
    about = path.lstat() if path.is_symlink() and not path.exists() else path.stat()
    return Entry(name, about.st_size, str(about.st_mtime_ns))


def _refuse(error: OSError) -> None:
    raise InputError(f"{error.filename}: cannot be read ({error.strerror})") from error
