"""What the upload library is given in place of its own storage."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path

import pytest
from fastapi import HTTPException

from crispen.server.http.tus_storage import TusUploads
from crispen.server.services.clock import Clock
from crispen.server.services.data_folder import DataFolder
from crispen.server.services.upload_store import Owner, UploadStore


@pytest.fixture
def store(tmp_path: Path) -> UploadStore:
    folder = DataFolder(tmp_path, max_total_bytes=1 << 40, min_free_bytes=0)
    folder.prepare()
    return UploadStore(folder, Clock())


def test_bytes_reach_the_disk_by_the_megabyte_and_at_the_end(store: UploadStore) -> None:
    async def send() -> None:
        storage = TusUploads(store)
        uid = store.claim(Owner("me", ""))
        await storage.create(uid)
        await storage.write_info(uid, {"size": 2 << 20, "metadata": {}})
        await storage.append(uid, bytes(1000))
        assert store.path(uid).stat().st_size == 0
        await storage.append(uid, bytes(1 << 20))
        assert store.path(uid).stat().st_size == 1000 + (1 << 20)
        await storage.append(uid, b"end")
        await storage.flush(uid)
        assert await storage.size(uid) == 1003 + (1 << 20)
        assert await storage.list_uids() == [uid]
        await storage.append(uid, b"pending")
        await storage.cut(uid, 5)
        await storage.flush(uid)
        assert await storage.size(uid) == 5
        await storage.delete(uid)
        assert not await storage.exists(uid)

    asyncio.run(send())


@pytest.mark.parametrize(
    ("number", "status"), [(errno.ENOSPC, 507), (errno.EDQUOT, 507), (errno.EIO, 500)]
)
def test_a_disk_that_fails_is_an_error_that_the_library_lets_through(
    store: UploadStore, monkeypatch: pytest.MonkeyPatch, number: int, status: int
) -> None:
    def refuse(uid: str) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(store, "_open", refuse)

    async def send() -> None:
        storage = TusUploads(store)
        await storage.append("a" * 32, b"x")
        with pytest.raises(HTTPException) as error:
            await storage.flush("a" * 32)
        assert error.value.status_code == status

    asyncio.run(send())
