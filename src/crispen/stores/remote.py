"""Object stores and other machines, through `fsspec`.

Each library finds credentials in its usual places: the environment, ``~/.aws``, the credential
stores of ``gcloud`` and ``az``, keys and ``known_hosts`` in ``~/.ssh``, or the address itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import posixpath
import re
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from crispen.errors import InputError, MissingInput, OutputError, needs_extra
from crispen.progress import Progress
from crispen.stores.address import EXTRAS, Address, without_secrets
from crispen.stores.store import Entry, Store, is_hidden
from crispen.stores.trying import TRIES, reason, tried

T = TypeVar("T")

CHUNK_BYTES = 8 << 20
_LISTED_AT_ONCE = 1000
# The package that `fsspec` needs for each scheme.
_LIBRARIES = {
    "abfs": "adlfs",
    "az": "adlfs",
    "gcs": "gcsfs",
    "gs": "gcsfs",
    "s3": "s3fs",
    "sftp": "sshfs",
    "smb": "smbprotocol",
}
_FILES = ("sftp", "smb")
# The libraries of object stores retry requests themselves.
_TRIES = 2
_END_S = 1
# By default sshfs trusts every host; an empty tuple selects the user's known_hosts.
_OPTIONS: dict[str, dict[str, Any]] = {"sftp": {"known_hosts": ()}, "smb": {}}
_UNCACHED = {"use_listings_cache": False}
_VERSIONS = ("ETag", "etag", "generation", "md5Hash", "LastModified", "last_modified", "mtime")


class RemoteStore(Store):
    """A folder in an object store or on another machine.

    Args:
        address: Address of the folder.

    Raises:
        MissingExtra: A package that the store needs is not installed.
    """

    def __init__(self, address: Address) -> None:
        super().__init__(without_secrets(address.folder))
        self._address = address
        self._scheme = address.scheme
        self.makes_folders = self._scheme in _FILES
        self.portable_names = self._scheme == "smb"
        with needs_extra(f"{address.scheme}://", EXTRAS[address.scheme]):
            import fsspec

            importlib.import_module(_LIBRARIES[self._scheme])
        self._class = fsspec.get_filesystem_class(self._scheme)
        base = self._class._strip_protocol(address.folder)
        self._base = base.rstrip("/") + "/"
        self._connecting = threading.Lock()
        self._connection: Any = None

    @property
    def ignores_case(self) -> bool:
        """Whether its servers do not distinguish letters' cases."""
        return self._scheme == "smb"

    def files(self, *, recursive: bool, progress: Progress) -> Iterator[Entry]:
        """All files; S3 is listed page by page, other stores folder by folder."""
        by_page = hasattr(self._class, "_iterdir")
        found = self._pages(recursive, progress) if by_page else self._walk("", recursive, progress)
        for entry in found:
            progress.check()
            if not is_hidden(entry.name):
                yield entry

    def hidden(self, folder: str, progress: Progress) -> Iterator[Entry]:
        """The files of a hidden folder, whose name begins with a dot."""
        try:
            yield from self._walk(f"{folder}/", False, progress)
        except MissingInput:
            return

    def find(self, name: str, progress: Progress) -> Entry | None:
        """The file with this name, or None if it does not exist."""
        about = self._about(name, progress)
        return None if about is None or about["type"] == "directory" else _entry(about, name)

    def is_folder(self, name: str, progress: Progress) -> bool:
        """Whether a folder with this name exists."""
        about = self._about(name, progress)
        return about is not None and about["type"] == "directory"

    def start(self, name: str, size: int, progress: Progress) -> bytes:
        """The first `size` bytes of a file, or fewer if it is shorter."""
        return self._read(name, 0, size, progress)

    def fetch(self, entry: Entry, path: Path, progress: Progress) -> None:
        """Copy a file to the new file `path`; resumes an interrupted copy."""
        shown, size = self.of(entry), entry.size or 0
        part = path.with_name(f"{path.name}.part")
        with part.open("ab") as file, progress.task(f"fetching {shown}", size, "bytes") as task:
            done = file.tell()
            task.advance(done)
            while done < size:
                end = min(size, done + CHUNK_BYTES)
                data = self._read(entry.name, done, end, progress)
                if not data:
                    break
                _write(file, data, path)
                done += len(data)
                task.advance(len(data))
        if done != size or self.find(entry.name, progress) != entry:
            part.unlink()
            raise InputError(f"{shown}: changed while it was read; run the command again")
        part.replace(path)

    def put(self, path: Path, name: str, *, overwrite: bool, progress: Progress) -> None:
        """Copy a file into the store; large files in parts, if the store supports it."""
        shown = f"{self.shown}{name}"

        def send() -> None:
            if self._scheme in _FILES:
                self._put_file(path, name, overwrite)
                return
            try:
                mode = "overwrite" if overwrite else "create"
                self._connected.put_file(str(path), self._base + name, mode=mode)
            except FileExistsError:
                # An earlier try may have written the file, and only its response was lost.
                if not _is_copy(self._connected.info(self._base + name), path):
                    raise

        try:
            self._tried(send, shown, progress, doing="written")
        except FileExistsError as error:
            raise OutputError(
                f"{shown}: exists already; add --overwrite to replace it, or choose another -o"
            ) from error

    @property
    def _connected(self) -> Any:
        """The connection, opened on first use."""
        with self._connecting:
            if self._connection is None:
                options = self._class._get_kwargs_from_urls(self._address.folder)
                options |= _OPTIONS.get(self._scheme, _UNCACHED)
                if self._scheme == "s3" and "AWS_MAX_ATTEMPTS" not in os.environ:
                    # botocore's retries multiplied by those of s3fs would take minutes.
                    options["config_kwargs"] = {"retries": {"max_attempts": 2}}
                self._connection = self._class(**options, skip_instance_cache=True)
            return self._connection

    def _tried(
        self,
        action: Callable[[], T],
        shown: str,
        progress: Progress,
        doing: Literal["read", "written"] = "read",
    ) -> T:
        tries = TRIES if self._scheme in _FILES else _TRIES
        again = self._connect_again
        return tried(action, shown, progress, doing=doing, again=again, tries=tries)

    def _list_folder(self, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._connected.ls(path, detail=True)
        return found

    def close(self) -> None:
        """Close the connection."""
        self._connect_again()

    def _connect_again(self) -> None:
        with self._connecting:
            ended, self._connection = self._connection, None
        if ended is not None:
            # Errors from closing a broken connection are of no use.
            with contextlib.suppress(Exception):
                _end(ended)

    def _about(self, name: str, progress: Progress) -> dict[str, Any] | None:
        try:
            about: dict[str, Any] = self._tried(
                lambda: self._connected.info(self._base + name if name else self._base.rstrip("/")),
                f"{self.shown}{name}",
                progress,
            )
        except MissingInput:
            return None
        return about

    def _read(self, name: str, start: int, end: int, progress: Progress) -> bytes:
        path = self._base + name

        def read() -> bytes:
            if self._scheme not in _FILES:
                data: bytes = self._connected.cat_file(path, start=start, end=end)
                return data
            with self._connected.open(path, "rb") as file:
                file.seek(start)
                return bytes(file.read(end - start))

        return self._tried(read, f"{self.shown}{name}", progress)

    def _put_file(self, path: Path, name: str, overwrite: bool) -> None:
        """Write a file under a temporary name, then rename it in one step."""
        files, target = self._connected, self._base + name
        folder = posixpath.dirname(target)
        if not overwrite and files.exists(target):
            raise FileExistsError(target)
        temporary = f"{folder}/.{posixpath.basename(target)[:80]}.{secrets.token_hex(4)}.part"
        try:
            files.makedirs(folder, exist_ok=True)
            files.put_file(str(path), temporary)
            if self._scheme == "smb" and files.exists(target):
                files.rm_file(target)  # SMB's rename does not replace files
            files.mv(temporary, target)
        except BaseException:
            with contextlib.suppress(Exception):
                files.rm_file(temporary)
            raise

    def _walk(self, folder: str, recursive: bool, progress: Progress) -> Iterator[Entry]:
        waiting = [folder]
        while waiting:
            inside = waiting.pop()
            path = (self._base + inside).rstrip("/")
            found = self._tried(partial(self._list_folder, path), f"{self.shown}{inside}", progress)
            deeper = []
            for about in sorted(found, key=lambda about: str(about["name"])):
                name = inside + posixpath.basename(about["name"].rstrip("/"))
                if about["type"] != "directory":
                    # Some stores represent a folder by an empty file.
                    if about["name"].rstrip("/") != path:
                        yield _entry(about, name)
                elif recursive:
                    deeper.append(f"{name}/")
            waiting += reversed(deeper)

    def _pages(self, recursive: bool, progress: Progress) -> Iterator[Entry]:
        from fsspec.asyn import sync

        bucket, _, prefix = self._base.partition("/")
        files = self._connected
        listing: AsyncIterator[dict[str, Any]] = files._iterdir(
            bucket, delimiter="" if recursive else "/", prefix=prefix
        )

        async def some() -> list[dict[str, Any]]:
            found = []
            async for about in listing:
                found.append(about)
                if len(found) == _LISTED_AT_ONCE:
                    break
            return found

        def page() -> list[dict[str, Any]]:
            # s3fs retries each page itself. After an error its iterator is exhausted, so a retry
            # here would look like the end of the listing.
            try:
                found: list[dict[str, Any]] = sync(files.loop, some)
                return found
            except FileNotFoundError:
                raise
            except Exception as error:
                raise InputError(
                    f"{self.shown}: cannot be listed: {reason(error)}; run the command again"
                ) from error

        while found := tried(page, self.shown, progress):
            for about in found:
                if about["type"] != "directory" and not about["name"].endswith("/"):
                    yield _entry(about, about["name"].removeprefix(self._base))


def _is_copy(about: dict[str, Any], path: Path) -> bool:
    """Whether a file in a store equals a local file: by size, and by MD5 if its ETag is one."""
    if about["size"] != path.stat().st_size:
        return False
    mark = str(about.get("ETag") or about.get("etag") or "").strip('"')
    if not re.fullmatch(r"[0-9a-f]{32}", mark):  # a multipart upload, or another kind of ETag
        return True
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest() == mark


def _end(connection: Any) -> None:
    """Closes the sockets of a connection, which the libraries leave to the garbage collector."""
    from fsspec.asyn import sync

    async def end() -> None:
        if hasattr(connection, "_pool"):  # sshfs
            connection._client.abort()
            await connection._stack.aclose()
        elif getattr(connection, "_s3creator", None) is not None:
            await connection._s3creator.__aexit__(None, None, None)

    sync(connection.loop, end, timeout=_END_S)


def _entry(about: dict[str, Any], name: str) -> Entry:
    value = next((about[key] for key in _VERSIONS if about.get(key) is not None), "")
    version = value.isoformat() if isinstance(value, datetime) else str(value).strip('"')
    return Entry(name, int(about["size"]), version)


def _write(file: Any, data: bytes, path: Path) -> None:
    try:
        file.write(data)
    except OSError as error:
        raise OutputError(
            f"{path.parent}: cannot be written ({error.strerror}); make room, or set TMPDIR to "
            "another folder"
        ) from error
