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
from collections.abc import AsyncIterator, Callable
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.routing import APIRoute
from tuspyserver import create_tus_router

from crispen.server.addresses import address_of, counted_as, is_loopback
from crispen.server.clock import Clock
from crispen.server.errors import ApiError, failures, not_found
from crispen.server.files import Files
from crispen.server.identity import Client
from crispen.server.receiving import too_large
from crispen.server.settings import Settings
from crispen.server.upload_disk import UID, Disk, Owner
from crispen.server.upload_docs import VERSION

_EXTENSIONS = "creation,expiration,termination"
_ABOUT = {
    "POST": (
        "begin_upload",
        "Begin an upload",
        "The answer's Location is where PATCH sends the bytes.",
    ),
    "HEAD": (
        "look_at_upload",
        "How much of an upload is there",
        "Upload-Offset says where to continue.",
    ),
    "PATCH": ("send_upload", "Send bytes of an upload", "They are put after those that are there."),
    "DELETE": ("give_up_upload", "Give an upload up", "Its bytes are deleted."),
}


class Uploads:
    """The uploads of one server: whose they are, who writes, and when they expire."""

    def __init__(self, settings: Settings, files: Files, clock: Clock) -> None:
        self._settings = settings
        self._files = files
        self._clock = clock
        self.disk = Disk(files)
        self._locks: dict[str, asyncio.Lock] = {}
        self._writers: dict[str, Callable[[], None]] = {}

    def begin(self) -> None:
        """Take over what is in the folder."""
        self.disk.begin()

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
            # A client that asks for the offset has lost its connection, even if a
            # write seems to be active.
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
        address = counted_as(address_of(request.scope))
        settings = self._settings
        # A client can throw its cookie away, and not its address.
        beyond = not is_loopback(address_of(request.scope))
        if self.disk.of_client(client) >= settings.max_jobs_per_client or (
            beyond and self.disk.of_address(address) >= settings.max_uploads_per_address
        ):
            raise ApiError(429, "too_many", "too many unfinished uploads; finish or delete some")
        # Nothing is reserved: what was promised and never comes would keep everybody else out.
        self._files.check_room(int(length))

    @staticmethod
    def _check_patch(request: Request, size: int) -> None:
        if request.headers.get("content-type") != "application/offset+octet-stream":
            raise ApiError(415, "bad_type", "send Content-Type: application/offset+octet-stream")
        offset = request.headers.get("upload-offset", "")
        if not (offset.isascii() and offset.isdigit() and len(offset) < 19):
            raise ApiError(400, "bad_offset", "the header Upload-Offset must say where to continue")
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(offset) + int(length) > size:
            raise ApiError(
                400, "too_long", f"the upload was begun with {size:,} bytes; send no more"
            )
        if "upload-length" in request.headers:
            raise ApiError(400, "not_supported", "the length was said when the upload began")

    def find(self, uid: str, client: str) -> dict[str, Any]:
        """What is known of this client's upload.

        Raises:
            ApiError: No such upload, another's, or expired.
        """
        facts = self.disk.about(uid) if UID.match(uid) else None
        if facts is None or facts["owner"] != client:
            raise not_found("upload")
        if self._expired(facts):
            self.disk.drop(uid)
            raise ApiError(410, "expired", "this upload was not finished in time; begin again")
        return facts

    def _expired(self, facts: dict[str, Any]) -> bool:
        """Whether an upload is too old; one that is not finished, as soon as it is idle."""
        # A file's own time moves on with each write.
        age = self._clock.now() - facts["written"]
        whole = facts["offset"] == facts["size"]
        return bool(age > (self._settings.upload_ttl_s if whole else self._settings.upload_idle_s))

    def sweep(self) -> int:
        """Delete expired uploads; how many there were."""
        count = 0
        for path in list(self._files.uploads.iterdir()):
            uid = path.name.removesuffix(".info")
            facts = self.disk.about(uid) if uid not in self._writers else None
            if facts is not None and self._expired(facts) and path.suffix != ".info":
                self.disk.drop(uid)
                count += 1
            elif facts is None and uid not in self._writers:
                with contextlib.suppress(OSError):  # half of an upload, of a server that died
                    if self._clock.now() - path.stat().st_mtime > self._settings.upload_idle_s:
                        self.disk.drop(uid)
        return count


async def _owned(
    request: Request, client: Client
) -> Callable[[dict[str, str]], dict[str, str] | None]:
    """Gives a new upload its id, and notes whose it is."""
    owner = Owner(client, counted_as(address_of(request.scope)))

    def note(metadata: dict[str, str]) -> dict[str, str] | None:
        return (
            {"uid": request.app.state.server.uploads.disk.claim(owner)}
            if request.method == "POST"
            else None
        )

    return note
