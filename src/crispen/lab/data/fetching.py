"""Fetches public sets once, with a checksum, into the user's cache.

`pooch` sees to it that only a file with the right checksum gets its name. An interrupted download
is kept beside it and gone on with, if the server says that the file is still the same one.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crispen.errors import CrispenError, InputError, MissingInput, OutputError
from crispen.lab.data.catalogue import SETS, PublicSet
from crispen.lab.data.tables import SetName
from crispen.media.atomic import write_whole
from crispen.progress import Progress

if TYPE_CHECKING:
    import requests

_CHUNK_BYTES = 1 << 16
_TIMEOUT_S = 30
_TRIES = 3
_RECORD = "checksums.json"


def cache_folder() -> Path:
    """``$CRISPEN_DATA``, or the platform's cache folder; it may not exist yet."""
    chosen = os.environ.get("CRISPEN_DATA")
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("crispen", appauthor=False)) / "data"


def place(name: SetName) -> Path:
    """Where a set lies once it is there: its folder, or its archive if that is read as it is."""
    public = SETS[name]
    return cache_folder() / (name if public.unpack else public.archive)


def is_here(name: SetName) -> bool:
    """Whether a set was fetched, or put in its place by hand."""
    return place(name).exists()


def fetch(name: SetName, *, progress: Progress | None = None) -> Path:
    """A public set, fetched unless it is here.

    Args:
        name: Which.
        progress: Told how far it is.

    Returns:
        Its folder, or its archive if that is read as it is.

    Raises:
        MissingInput: Its host asks for an account; the text says what to download and where to
            put it.
        InputError: It cannot be fetched, or is not what it should be; nothing is kept then.
        OutputError: The cache cannot be written.
    """
    target = place(name)
    if not target.exists():
        # The processes of one training begin together, and one of them fetches.
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
            # Its content is here; a file that somebody put here is his to remove.
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
    import pooch
    from requests.exceptions import RequestException

    known = public.sha256 or _recorded().get(public.archive)
    by_hand = f"or download {public.url} yourself and put it at {archive}"
    try:
        pooch.get_logger().setLevel("ERROR")
        pooch.retrieve(
            public.url,
            known_hash=f"sha256:{known}" if known else None,
            fname=archive.name,
            path=archive.parent,
            downloader=Resuming(archive.with_name(f"{archive.name}.part"), progress),
        )
        if not known:
            found = {**_recorded(), public.archive: pooch.file_hash(str(archive))}
            write_whole(cache_folder() / _RECORD, json.dumps(found, indent=2).encode())
    except CrispenError:
        raise
    except RequestException as error:
        raise InputError(
            f"{name}: {_reason(error, public.url)}; try again later, {by_hand}"
        ) from error
    except ValueError as error:
        raise InputError(
            f"{name}: what {public.url} sends has not the SHA-256 {known}, so it is damaged or "
            f"another file; nothing was kept, try again, {by_hand}"
        ) from error
    except OSError as error:
        raise _unwritable(archive, error) from error


def _reason(error: requests.RequestException, url: str) -> str:
    from requests.exceptions import ConnectionError, HTTPError, Timeout

    if isinstance(error, HTTPError) and error.response is not None:
        return f"{url} answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, Timeout):
        return f"{url} does not answer within {_TIMEOUT_S} s"
    if isinstance(error, ConnectionError):
        return f"{url} cannot be reached; check the network"
    return f"{url} was cut off ({type(error).__name__}), what came is kept"


class Resuming:
    """Downloads for `pooch`: goes on where an earlier attempt was cut off.

    What came so far lies in a file of its own, with the server's mark of that version beside it. A
    server that has no such mark, or another one by now, is asked for the whole file.

    Args:
        part: Where what came so far is kept.
        progress: Told how many bytes there are.
    """

    def __init__(self, part: Path, progress: Progress) -> None:
        self._part = part
        self._mark = part.with_name(f"{part.name}.etag")
        self._progress = progress

    def __call__(self, url: str, output_file: str, _pooch: Any, check_only: bool = False) -> None:
        """Writes the file of `url` to `output_file`, or raises what `requests` raises."""
        from requests.exceptions import ChunkedEncodingError, ConnectionError

        for attempt in range(_TRIES):
            try:
                self._fetch(url)
                break
            except (ChunkedEncodingError, ConnectionError):
                # Cut off. Another attempt is worth it only if something came.
                if attempt == _TRIES - 1 or not self._part.exists():
                    raise
        shutil.move(self._part, output_file)
        self._mark.unlink(missing_ok=True)

    def _fetch(self, url: str) -> None:
        import requests

        done = self._part.stat().st_size if self._part.is_file() and self._mark.is_file() else 0
        headers = {"Accept-Encoding": "identity"}
        if done:
            headers |= {"Range": f"bytes={done}-", "If-Range": self._mark.read_text()}
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as answer:
            if answer.status_code == requests.codes.requested_range_not_satisfiable:
                self._forget()
                self._fetch(url)
                return
            answer.raise_for_status()
            goes_on = answer.status_code == requests.codes.partial_content
            if not goes_on:
                done = 0
                self._remember(answer.headers.get("ETag", ""))
            length = answer.headers.get("Content-Length", "")
            total = done + int(length) if length.isdigit() else None
            with (
                self._part.open("ab" if goes_on else "wb") as file,
                self._progress.task(f"fetching {url}", total, "bytes") as task,
            ):
                task.advance(done)
                for chunk in answer.iter_content(_CHUNK_BYTES):
                    file.write(chunk)
                    task.advance(len(chunk))

    def _remember(self, mark: str) -> None:
        self._forget()
        # A weak mark says that two versions look alike, not that their bytes are the same.
        if mark and not mark.startswith("W/"):
            self._mark.write_text(mark)

    def _forget(self) -> None:
        self._part.unlink(missing_ok=True)
        self._mark.unlink(missing_ok=True)


def _unpack(archive: Path, target: Path) -> None:
    """Unpacks into a folder that gets its name when all is there."""
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
