"""Downloads public sets once, with a checksum, into the user's cache."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from crispen import user_folders
from crispen.downloads import DownloadError, download
from crispen.errors import CrispenError, InputError, MissingInput, OutputError
from crispen.lab.data.catalogue import SETS, PublicSet
from crispen.lab.data.tables import SetName
from crispen.media.atomic import write_whole
from crispen.progress import Progress

_RECORD = "checksums.json"


def cache_folder() -> Path:
    """``$CRISPEN_DATA``, or the platform's cache folder; it may not exist yet."""
    chosen = os.environ.get("CRISPEN_DATA")
    if chosen:
        return Path(chosen).expanduser()

    return user_folders.cache_folder("data")


def place(name: SetName) -> Path:
    """A set's path after the download: its folder, or its archive if that is read directly."""
    public = SETS[name]
    return cache_folder() / (name if public.unpack else public.archive)


def is_here(name: SetName) -> bool:
    """Whether a set was downloaded, or put in its place by hand."""
    return place(name).exists()


def fetch(name: SetName, *, progress: Progress | None = None) -> Path:
    """A public set, downloaded unless present.

    Args:
        name: Its name.
        progress: Receives progress events.

    Returns:
        Its folder, or its archive if that is read directly.

    Raises:
        MissingInput: Its host requires an account; the text says what to download and where to
            put it.
        InputError: It cannot be downloaded, or its content is wrong; nothing is kept then.
        OutputError: The cache cannot be written.
    """
    target = place(name)
    if not target.exists():
        # The processes of one training start together, and one of them downloads.
        with _alone(name):
            if not target.exists():
                _fetch(name, SETS[name], target, progress or Progress())
    return target


@contextlib.contextmanager
def _alone(name: SetName) -> Iterator[None]:
    from filelock import FileLock

    lock = cache_folder() / f".{name}.lock"
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        holder = FileLock(lock)
        holder.acquire()
    except OSError as error:
        raise _unwritable(lock.parent, error) from error
    try:
        yield
    finally:
        holder.release()


def _fetch(name: SetName, public: PublicSet, target: Path, progress: Progress) -> None:
    archive = cache_folder() / public.archive
    if public.account:
        archive = cache_folder() / f"{name}{archive.suffix}"
        if not archive.is_file():
            raise MissingInput(
                f"{name}: {public.account} asks for an account: sign in, download {public.url} and "
                f"put the file at {archive}, or its content into {target}"
            )
    else:
        _download(name, public, archive, progress)
    if public.unpack:
        _unpack(archive, target)
        if not public.account:
            # Its content is unpacked; a file that a user put here is theirs to remove.
            archive.unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{path}: cannot be written ({error.strerror}); free some space, or choose another folder "
        "with CRISPEN_DATA"
    )


def _recorded() -> dict[str, str]:
    try:
        known: dict[str, str] = json.loads((cache_folder() / _RECORD).read_text())
    except (OSError, ValueError):
        return {}
    return known


def _download(name: SetName, public: PublicSet, archive: Path, progress: Progress) -> None:
    known = public.sha256 or _recorded().get(public.archive, "")
    by_hand = f"or download {public.url} yourself and put it at {archive}"
    try:
        download(public.url, archive, sha256=known, progress=progress)
        if not known:
            with archive.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            found = {**_recorded(), public.archive: digest}
            write_whole(cache_folder() / _RECORD, json.dumps(found, indent=2).encode())
    except DownloadError as error:
        again = "try again" if error.damaged else "try again later"
        raise InputError(f"{name}: {error}; {again}, {by_hand}") from error
    except CrispenError:
        raise
    except OSError as error:
        raise _unwritable(archive, error) from error


def _unpack(archive: Path, target: Path) -> None:
    """Unpacks into a folder that gets its final name once complete."""
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    open_any: Callable[[Path], Any] = (
        zipfile.ZipFile if zipfile.is_zipfile(archive) else tarfile.open
    )
    try:
        with open_any(archive) as content:
            if isinstance(content, tarfile.TarFile):
                content.extractall(part, filter="data")
            else:
                content.extractall(part)
        part.rename(target)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, ValueError) as error:
        raise InputError(
            f"{archive}: cannot be unpacked ({error}); remove it and fetch it again"
        ) from error
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
