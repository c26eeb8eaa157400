"""Atomic writing: a file is complete or absent."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from crispen.errors import CrispenError, OutputError
from crispen.media.file_names import on_windows

_PART = re.compile(r"\..{1,80}\.[0-9a-f]{8}\.part", re.DOTALL)
# Between closing a file and renaming it, a live run holds no lock on it.
_YOUNG_S = 60.0
_NAME_BYTES = 200
# On Windows, virus scanners and indexers open new files for a moment.
_BUSY_S = (0.01, 0.05, 0.1, 0.25, 0.5)
_swept: set[Path] = set()


def check_target(path: Path, *, overwrite: bool) -> None:
    """Reports early what would make `commit` fail.

    Raises:
        OutputError: `path` exists and may not be replaced, or its folder cannot take a file.
    """
    if path.is_dir():
        raise OutputError(f"{path}: a folder; give a file name inside it")
    if os.path.lexists(path):
        if not overwrite:
            raise OutputError(
                f"{path}: exists already; add --overwrite (overwrite=True in Python) or choose "
                "another name"
            )
        if path.exists() and not path.is_file():
            raise OutputError(f"{path}: not a regular file; use '-' to write to standard output")
    folder = path.resolve().parent
    if not folder.is_dir():
        raise OutputError(f"{path}: there is no folder {folder}; create it first")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{path}: no permission to write into {folder}; choose another")


def open_beside(path: Path) -> tuple[Path, BinaryIO]:
    """A new, empty, hidden file in the folder of `path`, with the usual permissions.

    It is locked while open. Files that dead runs left half-written in that folder are removed
    when a process first writes there.

    Raises:
        OutputError: The folder refuses it.
    """
    folder = path.resolve().parent
    if folder not in _swept:
        _swept.add(folder)
        sweep_dead(folder)
    name = path.name[:80]
    while len(os.fsencode(name)) > _NAME_BYTES:  # long in bytes, as in Chinese
        name = name[:-1]
    temporary = folder / f".{name}.{secrets.token_hex(4)}.part"
    try:
        # Unlike tempfile's, its mode follows the umask, like any other new file's.
        file = temporary.open("x+b")
        with contextlib.suppress(OSError):  # a file system without locks
            _lock(file)
        return temporary, file
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written: {error.strerror}; choose another folder"
        ) from None


def commit(temporary: Path, path: Path, *, overwrite: bool) -> None:
    """Gives `temporary` the name `path`, in one step.

    Raises:
        OutputError: Another process created `path` meanwhile, or the folder refuses it.
    """
    # A link to a file is followed, so that the link itself survives.
    final = path.resolve()
    try:
        if overwrite:
            if final.exists():
                temporary.chmod(final.stat().st_mode & 0o7777)
            _replace(temporary, final)
            return
        try:
            os.link(temporary, final)  # unlike a rename, this never replaces
        except OSError as error:
            if error.errno == errno.EEXIST or os.path.lexists(final):
                raise OutputError(
                    f"{path}: was created by something else meanwhile; add --overwrite "
                    "(overwrite=True in Python) or choose another name"
                ) from None
            _replace(temporary, final)  # a file system without hard links
    except OutputError:
        raise
    except OSError as error:
        hint = ""
        if on_windows() and isinstance(error, PermissionError):
            hint = "; close it in other programs, or choose another name"
        raise OutputError(f"{path}: cannot be written: {error.strerror}{hint}") from None


def _replace(temporary: Path, final: Path) -> None:
    """Renames a file; on Windows, waits for programs that have either open for a moment."""
    for pause_s in _BUSY_S if on_windows() else ():
        try:
            temporary.replace(final)
            return
        except PermissionError:
            time.sleep(pause_s)
    temporary.replace(final)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file that is renamed to `path` when the block succeeds.

    Until then, and also if the block fails, `path` stays unchanged, and nothing half-written is
    left.

    Raises:
        OutputError: The folder refuses it, or the disk is full.
    """
    temporary, file = open_beside(path)
    try:
        with file:
            yield file
            file.flush()
            # The new content is on disk before it replaces the old one.
            os.fsync(file.fileno())
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and not isinstance(error, CrispenError):
            raise OutputError(
                f"{path}: cannot be written: {error.strerror or error}; make room or choose "
                "another folder"
            ) from error
        raise
    try:
        commit(temporary, path, overwrite=True)
    except OutputError:
        temporary.unlink(missing_ok=True)
        raise


def write_whole(path: Path, content: bytes) -> None:
    """Writes a small file at once, or not at all; see `replacing`."""
    with replacing(path) as file:
        file.write(content)


def _lock(file: BinaryIO) -> bool:
    from filelock import lock_descriptor

    return lock_descriptor(file.fileno(), blocking=False)


def sweep_dead(folder: Path) -> None:
    """Removes files that dead runs left half-written in `folder`."""
    with contextlib.suppress(OSError):
        for part in folder.iterdir():
            if _PART.fullmatch(part.name):
                with contextlib.suppress(OSError):
                    _remove_dead(part)


def _remove_dead(part: Path) -> None:
    if time.time() - part.stat().st_mtime < _YOUNG_S:
        return
    with part.open("r+b") as file:
        dead = _lock(file)
    if dead:
        part.unlink()


def sweep(folder: Path) -> None:
    """Removes half-written files of a killed process from `folder`, which only one may use."""
    for part in folder.glob(".*.part"):
        part.unlink(missing_ok=True)
