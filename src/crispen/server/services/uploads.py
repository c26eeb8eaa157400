"""Uploads: how many a client may have, who is writing, and when they expire."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from crispen.server.api_errors import ApiError, not_found, too_large
from crispen.server.services.clock import Clock
from crispen.server.services.data_folder import DataFolder
from crispen.server.services.upload_store import UID, Owner, UploadStore


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """Limits on uploads.

    Attributes:
        max_bytes: Of one upload.
        max_per_client: Unfinished uploads of one client.
        max_per_address: Unfinished uploads of one address beyond this machine.
        ttl_s: Seconds that a complete upload is kept.
        idle_s: Seconds that an incomplete one is kept after its last byte.
    """

    max_bytes: int
    max_per_client: int
    max_per_address: int
    ttl_s: float
    idle_s: float


class Uploads:
    """The uploads of one server.

    Args:
        store: Their bytes.
        folder: Whether there is room.
        clock: Decides when they expire.
        limits: How large, how many, and for how long.
    """

    def __init__(
        self, store: UploadStore, folder: DataFolder, clock: Clock, limits: UploadLimits
    ) -> None:
        self._store = store
        self._folder = folder
        self._clock = clock
        self.limits = limits
        self._locks: dict[str, asyncio.Lock] = {}
        self._writers: dict[str, Callable[[], None]] = {}

    @contextlib.asynccontextmanager
    async def writing(self, uid: str, interrupt: Callable[[], None]) -> AsyncIterator[None]:
        """Write an upload exclusively; another request's write in progress is interrupted.

        Args:
            uid: The upload.
            interrupt: Ends this write when another request wants the upload.

        Raises:
            ApiError: It is still being written.
        """
        await self.interrupt(uid)
        lock = self._locks.setdefault(uid, asyncio.Lock())
        if lock.locked():
            raise ApiError(423, "locked", "this upload is being written; try again in a second")
        async with lock:
            self._writers[uid] = interrupt
            try:
                yield
            finally:
                self._writers.pop(uid, None)
                self._locks.pop(uid, None)

    async def interrupt(self, uid: str) -> None:
        """End a write and wait until it has ended."""
        writer = self._writers.get(uid)
        if writer is None:
            return
        writer()
        for _ in range(100):
            await asyncio.sleep(0.02)
            if uid not in self._writers:
                return

    def check_new(self, size: int, owner: Owner, *, local: bool) -> None:
        """Refuse an upload that is too large or one too many.

        Args:
            size: Bytes that were announced.
            owner: Who wants to send it.
            local: It comes from this machine, where addresses are not counted.

        Raises:
            ApiError: It is refused.
        """
        limits = self.limits
        if size == 0:
            raise ApiError(422, "empty", "the file is empty; choose another")
        if size > limits.max_bytes:
            raise too_large(limits.max_bytes)
        # A client can throw its cookie away, but not its address.
        if self._store.of_client(owner.client) >= limits.max_per_client or (
            not local and self._store.of_address(owner.address) >= limits.max_per_address
        ):
            raise ApiError(429, "too_many", "too many unfinished uploads; finish or delete some")
        # Nothing is reserved: uploads that are announced but never sent would block everyone else.
        self._folder.check_room(size)

    def find(self, uid: str, client: str) -> dict[str, Any]:
        """What is known of this client's upload.

        Raises:
            ApiError: No such upload, another client's, or expired.
        """
        facts = self._store.about(uid) if UID.match(uid) else None
        if facts is None or facts["owner"] != client:
            raise not_found("upload")
        if self._expired(facts):
            self._store.drop(uid)
            raise ApiError(410, "expired", "this upload was not finished in time; begin again")
        return facts

    def _expired(self, facts: dict[str, Any]) -> bool:
        """Whether an upload is too old; one that is not complete, as soon as it is idle."""
        # A file's modification time advances with each write.
        age = self._clock.now() - facts["written"]
        whole = facts["offset"] == facts["size"]
        return bool(age > (self.limits.ttl_s if whole else self.limits.idle_s))

    def sweep(self) -> int:
        """Delete expired uploads; how many there were."""
        count = 0
        for path in list(self._folder.uploads.iterdir()):
            uid = path.name.removesuffix(".info")
            facts = self._store.about(uid) if uid not in self._writers else None
            if facts is not None and self._expired(facts) and path.suffix != ".info":
                self._store.drop(uid)
                count += 1
            elif facts is None and uid not in self._writers:
                with contextlib.suppress(OSError):  # half an upload, left by a server that died
                    if self._clock.now() - path.stat().st_mtime > self.limits.idle_s:
                        self._store.drop(uid)
        return count
