"""Resumable uploads (tus 1.0): tuspyserver's routes over a storage and a guard of our own.

The library speaks the protocol. Left to itself it would take bodies before it asks who sends
them, take lengths beyond the limit until the bytes come, block the whole server while one upload
waits for another's lock, read whole bodies into memory, and trust X-Forwarded-Host. So `Guard`
runs before every route of it, and `Disk` keeps the bytes: what lies on disk is the offset, and
nothing else is.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.routing import APIRoute
from tuspyserver import create_tus_router
from tuspyserver.storage import TusStorage

from crispen.server.errors import ApiError, failures, not_found
from crispen.server.files import Files
from crispen.server.identity import Client
from crispen.server.receiving import too_large
from crispen.server.settings import Settings

VERSION = "1.0.0"
_EXTENSIONS = "creation,expiration,termination"
_UID = re.compile(r"^[0-9a-f]{32}$")
_FLUSH_BYTES = 1 << 20
_ABOUT = {
    "POST": (
        "begin_upload",
        "Begin an upload",
        "The answer's Location is where PATCH sends the bytes.",
    ),
    "HEAD": (
        "look_at_upload",
        "How much of an upload is there",
        "Upload-Offset says from where to go on.",
    ),
    "PATCH": ("send_upload", "Send bytes of an upload", "They are put after those that are there."),
    "DELETE": ("give_up_upload", "Give an upload up", "Its bytes are deleted."),
}


class Disk(TusStorage):
    """Bytes in ``uploads/ID``, what is known of them in ``uploads/ID.info``."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._pending: dict[str, bytearray] = {}
        self._owners: dict[str, str] = {}

    def claim(self, client: str) -> str:
        """The id of a new upload of this client."""
        uid = secrets.token_hex(16)
        self._owners[uid] = client
        return uid

    def path(self, uid: str) -> Path:
        """Where the bytes lie."""
        return self._files.uploads / uid

    def about(self, uid: str) -> dict[str, Any] | None:
        """What is known of an upload, with its true offset; None if there is none."""
        try:
            facts: dict[str, Any] = json.loads(self._info(uid).read_text(encoding="utf-8"))
            facts["offset"] = self.path(uid).stat().st_size
        except (OSError, ValueError):
            return None
        # The library wants both to answer HEAD; the protocol wants neither.
        for name in ("filename", "filetype"):
            facts["metadata"].setdefault(name, "unknown")
        return facts

    def drop(self, uid: str) -> None:
        """Delete an upload."""
        self._pending.pop(uid, None)
        self.path(uid).unlink(missing_ok=True)
        self._info(uid).unlink(missing_ok=True)

    def _open(self, uid: str) -> BinaryIO:
        return self.path(uid).open("ab")

    def _info(self, uid: str) -> Path:
        return self._files.uploads / f"{uid}.info"

    async def create(self, uid: str) -> None:
        """See `TusStorage`."""
        await asyncio.to_thread(self.path(uid).touch)

    async def exists(self, uid: str) -> bool:
        """See `TusStorage`."""
        return await asyncio.to_thread(self.path(uid).is_file)

    async def size(self, uid: str) -> int:
        """See `TusStorage`."""
        facts = await asyncio.to_thread(self.about, uid)
        return int(facts["offset"]) if facts else 0

    async def append(self, uid: str, chunk: bytes) -> None:
        """See `TusStorage`; a megabyte at a time goes to the disk."""
        pending = self._pending.setdefault(uid, bytearray())
        pending += chunk
        if len(pending) >= _FLUSH_BYTES:
            await self.flush(uid)

    async def flush(self, uid: str) -> None:
        """See `TusStorage`."""
        pending = self._pending.pop(uid, None)
        if not pending:
            return

        def write() -> None:
            with self._open(uid) as file:
                file.write(pending)

        try:
            await asyncio.to_thread(write)
        except OSError as error:
            # The library lets only FastAPI's own errors through.
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                text = "the server's disk is full; delete old jobs, then go on with this upload"
                raise HTTPException(HTTPStatus.INSUFFICIENT_STORAGE, text) from error
            raise HTTPException(500, f"the upload cannot be kept ({error.strerror})") from error

    async def cut(self, uid: str, size: int | None) -> None:
        """Forget bytes on their way to the disk and, if given, those after the first `size`."""
        self._pending.pop(uid, None)
        if size is None:
            return

        def shorten() -> None:
            with contextlib.suppress(FileNotFoundError), self.path(uid).open("r+b") as file:
                file.truncate(size)

        await asyncio.to_thread(shorten)

    async def finalize(self, uid: str) -> None:
        """See `TusStorage`; nothing is left to do."""

    async def read(self, uid: str) -> bytes | None:
        """Nothing: uploads are not read back through this interface."""
        return None

    async def delete(self, uid: str) -> None:
        """See `TusStorage`."""
        await asyncio.to_thread(self.drop, uid)

    async def read_info(self, uid: str) -> dict[str, Any] | None:
        """See `TusStorage`."""
        return await asyncio.to_thread(self.about, uid)

    async def write_info(self, uid: str, data: dict[str, Any]) -> None:
        """See `TusStorage`."""
        owner = self._owners.pop(uid, None)

        def write() -> None:
            known = (self.about(uid) or {}).get("owner") if owner is None else owner
            text = json.dumps({**data, "owner": known}, default=str)
            draft = self._files.draft()
            draft.write_text(text, encoding="utf-8")
            draft.replace(self._info(uid))

        if await self.exists(uid):  # it may have been given up while its bytes came
            await asyncio.to_thread(write)

    async def list_uids(self) -> list[str]:
        """See `TusStorage`."""
        return [p.name for p in self._files.uploads.iterdir() if _UID.match(p.name)]

    def location(self, uid: str) -> str:
        """See `TusStorage`."""
        return str(self.path(uid))

    @contextlib.asynccontextmanager
    async def lock(self, uid: str) -> AsyncIterator[None]:  # type: ignore[override]
        """Nothing: the guard holds each upload for the whole request."""
        yield


class Uploads:
    """The uploads of one server: whose they are, who writes, and when they expire."""

    def __init__(self, settings: Settings, files: Files) -> None:
        self._settings = settings
        self._files = files
        self.disk = Disk(files)
        self._locks: dict[str, asyncio.Lock] = {}
        self._writers: dict[str, Callable[[], None]] = {}

    def router(self) -> APIRouter:
        """The routes, guarded."""
        router = APIRouter(
            tags=["uploads"],
            dependencies=[Depends(self.guard)],
            responses=failures(404, 409, 410, 412, 413, 415, 423, 507),
        )
        router.add_api_route(
            "/uploads/",
            self.options,
            methods=["OPTIONS"],
            status_code=204,
            summary="What uploads can do",
        )
        inner = create_tus_router(
            prefix="uploads",
            files_dir=str(self._files.uploads),
            max_size=self._settings.max_upload_bytes,
            days_to_keep=max(1, round(self._settings.upload_ttl_s / 86_400)),
            file_dep=_owned,  # type: ignore[arg-type]
            strict_offset_validation=True,
            storage=self.disk,
            tags=["uploads"],
        )
        # Ours answers OPTIONS; and one address for creation is enough.
        kept = []
        for route in inner.routes:
            assert isinstance(route, APIRoute)
            method = next(iter(route.methods or ()))
            if method in _ABOUT and (method != "POST" or route.path.endswith("/")):
                route.name, route.summary, route.description = _ABOUT[method]
                route.operation_id = route.name
                kept.append(route)
        inner.routes[:] = kept
        router.include_router(inner)
        return router

    async def options(self, response: Response) -> None:
        """The protocol's version, its extensions, and the largest upload."""
        response.headers["Tus-Version"] = response.headers["Tus-Resumable"] = VERSION
        response.headers["Tus-Extension"] = _EXTENSIONS
        response.headers["Tus-Max-Size"] = str(self._settings.max_upload_bytes)

    async def guard(self, request: Request, client: Client) -> AsyncIterator[None]:
        """Refuse what must not reach the library; hold an upload while it is written."""
        method = request.method
        if method == "OPTIONS":
            yield
            return
        if request.headers.get("tus-resumable") != VERSION:
            raise ApiError(
                412,
                "bad_version",
                f"uploads speak tus {VERSION}; send the header 'Tus-Resumable: {VERSION}'",
                {"Tus-Version": VERSION},
            )
        if method == "POST":
            await asyncio.to_thread(self._check_new, request, client)
            yield
            return
        uid = request.path_params.get("uuid", "")
        facts = await asyncio.to_thread(self.find, uid, client)
        if method == "HEAD":
            # Who asks where to go on has lost the connection that may still seem to write.
            await self._interrupt(uid)
            yield
            return
        if method == "PATCH":
            self._check_patch(request, int(facts["size"]))
        await self._interrupt(uid)
        lock = self._locks.setdefault(uid, asyncio.Lock())
        if lock.locked():
            raise ApiError(423, "locked", "this upload is being written; try again in a second")
        async with lock:
            self._writers[uid] = request.scope.get("crispen.interrupt", lambda: None)
            before = await self.disk.size(uid)
            try:
                yield
            except (ApiError, HTTPException) as error:
                # What is refused leaves nothing; a full disk keeps what it could take.
                await self.disk.cut(uid, before if error.status_code < 500 else None)
                raise
            finally:
                self._writers.pop(uid, None)
                self._locks.pop(uid, None)

    async def _interrupt(self, uid: str) -> None:
        writer = self._writers.get(uid)
        if writer is None:
            return
        writer()
        for _ in range(100):
            await asyncio.sleep(0.02)
            if uid not in self._writers:
                return

    def _check_new(self, request: Request, client: str) -> None:
        headers = request.headers
        if "upload-concat" in headers or "upload-defer-length" in headers:
            raise ApiError(
                400, "not_supported", "give the whole Upload-Length; parts are not joined here"
            )
        if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
            raise ApiError(400, "not_supported", "create the upload first, then PATCH its bytes")
        length = headers.get("upload-length", "")
        if not (length.isascii() and length.isdigit() and len(length) < 19):
            raise ApiError(400, "bad_length", "the header Upload-Length must say how many bytes")
        if int(length) == 0:
            raise ApiError(422, "empty", "the file is empty; choose another")
        if int(length) > self._settings.max_upload_bytes:
            raise too_large(self._settings.max_upload_bytes)
        open_uploads = [u for u in self._all() if u["owner"] == client]
        if len(open_uploads) >= self._settings.max_jobs_per_client:
            raise ApiError(429, "too_many", "too many unfinished uploads; finish or delete some")
        promised = sum(int(u["size"]) - int(u["offset"]) for u in self._all())
        self._files.check_room(int(length) + promised)

    @staticmethod
    def _check_patch(request: Request, size: int) -> None:
        if request.headers.get("content-type") != "application/offset+octet-stream":
            raise ApiError(415, "bad_type", "send Content-Type: application/offset+octet-stream")
        offset = request.headers.get("upload-offset", "")
        if not (offset.isascii() and offset.isdigit() and len(offset) < 19):
            raise ApiError(400, "bad_offset", "the header Upload-Offset must say where to go on")
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(offset) + int(length) > size:
            raise ApiError(
                400, "too_long", f"the upload was begun with {size:,} bytes; send no more"
            )
        if "upload-length" in request.headers:
            raise ApiError(400, "not_supported", "the length was said when the upload began")

    def _all(self) -> list[dict[str, Any]]:
        found = (
            self.disk.about(path.name)
            for path in self._files.uploads.iterdir()
            if _UID.match(path.name)
        )
        return [facts for facts in found if facts is not None]

    def find(self, uid: str, client: str) -> dict[str, Any]:
        """What is known of this client's upload.

        Raises:
            ApiError: No such upload, another's, or expired.
        """
        facts = self.disk.about(uid) if _UID.match(uid) else None
        if facts is None or facts["owner"] != client:
            raise not_found("upload")
        if self._expired(uid):
            self.disk.drop(uid)
            raise ApiError(410, "expired", "this upload was not finished in time; begin again")
        return facts

    def _expired(self, uid: str) -> bool:
        # A file's own time moves on with each write, so that only idle uploads expire.
        age = time.time() - self.disk.path(uid).stat().st_mtime
        return age > self._settings.upload_ttl_s

    def sweep(self) -> int:
        """Delete expired uploads; how many there were."""
        count = 0
        for path in list(self._files.uploads.iterdir()):
            uid = path.name.removesuffix(".info")
            with contextlib.suppress(OSError):
                alone = path.suffix == ".info" and not self.disk.path(uid).exists()
                old = time.time() - path.stat().st_mtime > self._settings.upload_ttl_s
                if old and (alone or path.suffix != ".info"):
                    self.disk.drop(uid)
                    count += 1
        return count


async def _owned(
    request: Request, client: Client
) -> Callable[[dict[str, str]], dict[str, str] | None]:
    """Gives a new upload its id, and notes whose it is."""

    def note(metadata: dict[str, str]) -> dict[str, str] | None:
        return (
            {"uid": request.app.state.server.uploads.disk.claim(client)}
            if request.method == "POST"
            else None
        )

    return note
