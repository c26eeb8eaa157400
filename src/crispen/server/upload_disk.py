"""The bytes of uploads: what lies on disk is the offset, and nothing else is."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import re
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from fastapi import HTTPException
from tuspyserver.storage import TusStorage

from crispen.server.errors import CODE_HEADER, ApiError
from crispen.server.files import Files

UID = re.compile(r"^[0-9a-f]{32}$")
_FLUSH_BYTES = 1 << 20


class Owner(NamedTuple):
    """Whose an upload is.

    Attributes:
        client: Who sees it.
        address: What limits count it by.
    """

    client: str
    address: str

    def items(self) -> list[tuple[str, str]]:
        """What it is counted by."""
        return list(self._asdict().items())


class Disk(TusStorage):
    """Bytes in ``uploads/ID``, what is known of them in ``uploads/ID.info``."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._pending: dict[str, bytearray] = {}
        self._owners: dict[str, Owner] = {}
        self._counts: Counter[tuple[str, str]] = Counter()

    def begin(self) -> None:
        """Find what was there when the server started; from then on, nothing looks at all files."""
        for path in self._files.uploads.iterdir():
            if UID.match(path.name):
                facts = self.about(path.name)
                if facts is not None:
                    self._note(path.name, Owner(facts["owner"], facts.get("address", "")))

    def of_client(self, client: str) -> int:
        """How many uploads a client has."""
        return self._counts["client", client]

    def of_address(self, address: str) -> int:
        """How many uploads come from an address."""
        return self._counts["address", address]

    def claim(self, owner: Owner) -> str:
        """The id of a new upload of this owner."""
        uid = secrets.token_hex(16)
        self._note(uid, owner)
        return uid

    def _note(self, uid: str, owner: Owner) -> None:
        self._owners[uid] = owner
        self._counts.update(owner.items())

    def path(self, uid: str) -> Path:
        """Where the bytes lie."""
        return self._files.uploads / uid

    def about(self, uid: str) -> dict[str, Any] | None:
        """What is known of an upload, with its true offset; None if there is none."""
        try:
            facts: dict[str, Any] = json.loads(self._info(uid).read_text(encoding="utf-8"))
            stat = self.path(uid).stat()
            facts["offset"], facts["written"] = stat.st_size, stat.st_mtime
        except (OSError, ValueError):
            return None
        # The library wants both to answer HEAD; the protocol wants neither.
        for name in ("filename", "filetype"):
            facts["metadata"].setdefault(name, "unknown")
        return facts

    def drop(self, uid: str) -> None:
        """Delete an upload."""
        self._pending.pop(uid, None)
        owner = self._owners.pop(uid, None)
        if owner is not None:
            self._counts.subtract(owner.items())
            self._counts = +self._counts
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
            self._files.check_room(len(pending))
            with self._open(uid) as file:
                file.write(pending)

        try:
            await asyncio.to_thread(write)
        except ApiError as error:
            # The library lets only FastAPI's own errors through.
            raise HTTPException(error.status, str(error), {CODE_HEADER: error.code}) from error
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                text = "the server's disk is full; delete old jobs, then continue this upload"
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
        owner = self._owners.get(uid) or Owner("", "")

        def write() -> None:
            text = json.dumps({**data, **owner._asdict(), "owner": owner.client}, default=str)
            draft = self._files.draft()
            draft.write_text(text, encoding="utf-8")
            draft.replace(self._info(uid))

        if await self.exists(uid):  # it may have been given up while its bytes came
            await asyncio.to_thread(write)

    async def list_uids(self) -> list[str]:
        """See `TusStorage`."""
        return [p.name for p in self._files.uploads.iterdir() if UID.match(p.name)]

    def location(self, uid: str) -> str:
        """See `TusStorage`."""
        return str(self.path(uid))

    @contextlib.asynccontextmanager
    async def lock(self, uid: str) -> AsyncIterator[None]:  # type: ignore[override]
        """Nothing: the guard holds each upload for the whole request."""
        yield
