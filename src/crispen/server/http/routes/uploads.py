"""Resumable uploads (tus 1.0): tuspyserver's routes behind a guard of our own.

The library speaks the protocol. By default it would accept bodies before it asks who sends
them, accept lengths beyond the limit until the bytes come, block the whole server while one upload
waits for another's lock, read whole bodies into memory, and trust X-Forwarded-Host. So the guard
runs before each of its routes, and `TusUploads` keeps the bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.routing import APIRoute
from tuspyserver import create_tus_router

from crispen.server.api_errors import ApiError
from crispen.server.http.addresses import address_of, counted_as, is_loopback
from crispen.server.http.errors import failures
from crispen.server.http.identity import Client
from crispen.server.http.tus_storage import TusUploads
from crispen.server.http.upload_docs import VERSION
from crispen.server.services.upload_store import Owner, UploadStore
from crispen.server.services.uploads import Uploads

_EXTENSIONS = "creation,expiration,termination"
_ABOUT = {
    "POST": (
        "begin_upload",
        "Begin an upload",
        "The answer's Location is where PATCH sends the bytes.",
    ),
    "HEAD": (
        "look_at_upload",
        "How much of an upload has arrived",
        "Upload-Offset says where to continue.",
    ),
    "PATCH": (
        "send_upload",
        "Send bytes of an upload",
        "They are appended to those already received.",
    ),
    "DELETE": ("give_up_upload", "Delete an upload", "Its bytes are deleted."),
}


class UploadRoutes:
    """The routes of uploads.

    Args:
        uploads: Limits, owners and writers.
        store: The bytes.
    """

    def __init__(self, uploads: Uploads, store: UploadStore) -> None:
        self._uploads = uploads
        self._store = store
        self._storage = TusUploads(store)

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
        limits = self._uploads.limits
        inner = create_tus_router(
            prefix="uploads",
            files_dir=self._storage.location(""),
            max_size=limits.max_bytes,
            days_to_keep=max(1, round(limits.ttl_s / 86_400)),
            file_dep=_owned(self._store),  # type: ignore[arg-type]
            strict_offset_validation=True,
            storage=self._storage,
            tags=["uploads"],
        )
        # Our route answers OPTIONS, and one address for creation is enough.
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
        response.headers["Tus-Max-Size"] = str(self._uploads.limits.max_bytes)

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
                f"uploads use tus {VERSION}; send the header 'Tus-Resumable: {VERSION}'",
                {"Tus-Version": VERSION},
            )
        if method == "POST":
            await asyncio.to_thread(self._check_new, request, client)
            yield
            return
        uid = request.path_params.get("uuid", "")
        facts = await asyncio.to_thread(self._uploads.find, uid, client)
        if method == "HEAD":
            # A client that asks for the offset has lost its connection, even if a
            # write seems to be active.
            await self._uploads.interrupt(uid)
            yield
            return
        if method == "PATCH":
            _check_patch(request, int(facts["size"]))
        interrupt = request.scope.get("crispen.interrupt", lambda: None)
        async with self._uploads.writing(uid, interrupt):
            before = await self._storage.size(uid)
            try:
                yield
            except (ApiError, HTTPException) as error:
                # A refused upload leaves nothing; a full disk keeps what fitted.
                await self._storage.cut(uid, before if error.status_code < 500 else None)
                raise

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
        local = is_loopback(address_of(request.scope))
        self._uploads.check_new(int(length), _owner(request, client), local=local)


def _owned(
    store: UploadStore,
) -> Callable[[Request, str], Awaitable[Callable[[dict[str, str]], dict[str, str] | None]]]:
    """Gives a new upload its id, and notes whose it is.

    A function, since the library copies its options deeply, and nothing can copy a store.
    """

    async def owned(
        request: Request, client: Client
    ) -> Callable[[dict[str, str]], dict[str, str] | None]:
        owner = _owner(request, client)

        def note(metadata: dict[str, str]) -> dict[str, str] | None:
            return {"uid": store.claim(owner)} if request.method == "POST" else None

        return note

    return owned


def _owner(request: Request, client: str) -> Owner:
    return Owner(client, counted_as(address_of(request.scope)))


def _check_patch(request: Request, size: int) -> None:
    if request.headers.get("content-type") != "application/offset+octet-stream":
        raise ApiError(415, "bad_type", "send Content-Type: application/offset+octet-stream")
    offset = request.headers.get("upload-offset", "")
    if not (offset.isascii() and offset.isdigit() and len(offset) < 19):
        raise ApiError(400, "bad_offset", "the header Upload-Offset must say where to continue")
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(offset) + int(length) > size:
        raise ApiError(400, "too_long", f"the upload was begun with {size:,} bytes; send no more")
    if "upload-length" in request.headers:
        raise ApiError(400, "not_supported", "the length was set when the upload began")
