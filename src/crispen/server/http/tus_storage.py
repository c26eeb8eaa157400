"""Connects tuspyserver, which speaks the upload protocol, to the store of uploads."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

from fastapi import HTTPException
from tuspyserver.storage import TusStorage

from crispen.server.api_errors import ApiError
from crispen.server.http.errors import CODE_HEADER
from crispen.server.services.upload_store import UploadStore

_FLUSH_BYTES = 1 << 20


class TusUploads(TusStorage):
    """The library's view of the store; bytes are collected, and written a megabyte at a time.

    Args:
        store: Where they are kept.
    """

    def __init__(self, store: UploadStore) -> None:
        self._store = store
        self._pending: dict[str, bytearray] = {}

    async def create(self, uid: str) -> None:
        """See `TusStorage`."""
        await asyncio.to_thread(self._store.create, uid)

    async def exists(self, uid: str) -> bool:
        """See `TusStorage`."""
        return await asyncio.to_thread(self._store.path(uid).is_file)

    async def size(self, uid: str) -> int:
        """See `TusStorage`."""
        facts = await asyncio.to_thread(self._store.about, uid)
        return int(facts["offset"]) if facts else 0

    async def append(self, uid: str, chunk: bytes) -> None:
        """See `TusStorage`."""
        pending = self._pending.setdefault(uid, bytearray())
        pending += chunk
        if len(pending) >= _FLUSH_BYTES:
            await self.flush(uid)

    async def flush(self, uid: str) -> None:
        """See `TusStorage`."""
        pending = self._pending.pop(uid, None)
        if not pending:
            return
        try:
            await asyncio.to_thread(self._store.append, uid, bytes(pending))
        except ApiError as error:
            # The library lets only FastAPI's own errors through.
            raise HTTPException(error.status, str(error), {CODE_HEADER: error.code}) from error
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                text = "the server's disk is full; delete old jobs, then continue this upload"
                raise HTTPException(HTTPStatus.INSUFFICIENT_STORAGE, text) from error
            raise HTTPException(500, f"the upload cannot be kept ({error.strerror})") from error

    async def cut(self, uid: str, size: int | None) -> None:
        """Drop bytes that are not on disk yet and, if given, those after the first `size`."""
        self._pending.pop(uid, None)
        if size is not None:
            await asyncio.to_thread(self._store.cut, uid, size)

    async def finalize(self, uid: str) -> None:
        """See `TusStorage`; nothing to do."""

    async def read(self, uid: str) -> bytes | None:
        """Nothing: uploads are not read back through this interface."""
        return None

    async def delete(self, uid: str) -> None:
        """See `TusStorage`."""
        self._pending.pop(uid, None)
        await asyncio.to_thread(self._store.drop, uid)

    async def read_info(self, uid: str) -> dict[str, Any] | None:
        """See `TusStorage`."""
        return await asyncio.to_thread(self._store.about, uid)

    async def write_info(self, uid: str, data: dict[str, Any]) -> None:
        """See `TusStorage`."""
        await asyncio.to_thread(self._store.save, uid, data)

    async def list_uids(self) -> list[str]:
        """See `TusStorage`."""
        return await asyncio.to_thread(self._store.uids)

    def location(self, uid: str) -> str:
        """See `TusStorage`."""
        return str(self._store.path(uid))

    @contextlib.asynccontextmanager
    async def lock(self, uid: str) -> AsyncIterator[None]:  # type: ignore[override]
        """Nothing: the guard holds each upload for the whole request."""
        yield
