"""Limits, writers and expiry of uploads, without HTTP."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from crispen.server.api_errors import ApiError
from crispen.server.services.clock import Clock
from crispen.server.services.data_folder import DataFolder
from crispen.server.services.upload_store import Owner, UploadStore
from crispen.server.services.uploads import UploadLimits, Uploads

ME = Owner("me", "192.0.2.1")
LIMITS = UploadLimits(max_bytes=100, max_per_client=3, max_per_address=2, ttl_s=50.0, idle_s=10.0)


@pytest.fixture
def store(tmp_path: Path) -> UploadStore:
    folder = DataFolder(tmp_path, max_total_bytes=1 << 40, min_free_bytes=0)
    folder.prepare()
    return UploadStore(folder, Clock())


@pytest.fixture
def uploads(store: UploadStore, tmp_path: Path) -> Uploads:
    folder = DataFolder(tmp_path, max_total_bytes=1 << 40, min_free_bytes=0)
    return Uploads(store, folder, Clock(lambda: 1000.0, lambda: 0.0), LIMITS)


def begun(store: UploadStore, *, size: int = 10, content: bytes = b"", age_s: float = 0.0) -> str:
    uid = store.claim(ME)
    store.path(uid).write_bytes(content)
    store.save(uid, {"size": size, "metadata": {}})
    os.utime(store.path(uid), (1000.0 - age_s,) * 2)
    return uid


def code_of(error: pytest.ExceptionInfo[ApiError]) -> tuple[int, str]:
    return error.value.status, error.value.code


@pytest.mark.parametrize("days", [-30, 30])
def test_the_disk_may_have_a_clock_of_its_own(tmp_path: Path, days: int) -> None:
    """The disk's clock is that of this machine here, so it is the server's that is moved."""
    clock = Clock(lambda: time.time() + 86_400 * days)
    folder = DataFolder(tmp_path, max_total_bytes=1 << 40, min_free_bytes=0)
    folder.prepare()
    store = UploadStore(folder, clock)
    uploads = Uploads(store, folder, clock, LIMITS)
    uid = store.claim(ME)
    store.create(uid)
    store.save(uid, {"size": 4, "metadata": {}})
    assert uploads.find(uid, "me")["offset"] == 0
    store.append(uid, b"ab")
    assert uploads.find(uid, "me")["offset"] == 2
    assert abs(uploads.find(uid, "me")["written"] - clock.now()) < 5


@pytest.mark.parametrize(
    ("size", "expected"), [(0, (422, "empty")), (101, (413, "too_large"))], ids=["empty", "large"]
)
def test_sizes(uploads: Uploads, size: int, expected: tuple[int, str]) -> None:
    with pytest.raises(ApiError) as error:
        uploads.check_new(size, ME, local=True)
    assert code_of(error) == expected


def test_an_address_counts_beyond_this_machine_only(uploads: Uploads, store: UploadStore) -> None:
    for _ in range(2):
        begun(store)
    uploads.check_new(5, ME, local=True)
    with pytest.raises(ApiError) as error:
        uploads.check_new(5, Owner("other cookie", ME.address), local=False)
    assert code_of(error) == (429, "too_many")
    begun(store)
    with pytest.raises(ApiError):
        uploads.check_new(5, ME, local=True)


def test_only_its_owner_finds_an_upload(uploads: Uploads, store: UploadStore) -> None:
    uid = begun(store, content=b"123")
    assert uploads.find(uid, "me")["offset"] == 3
    for wrong in (("another", uid), ("me", "../secret"), ("me", "0" * 32)):
        with pytest.raises(ApiError) as error:
            uploads.find(wrong[1], wrong[0])
        assert code_of(error) == (404, "not_found")


def test_idle_parts_go_before_complete_uploads(uploads: Uploads, store: UploadStore) -> None:
    part = begun(store, content=b"1", age_s=11)
    whole = begun(store, size=1, content=b"1", age_s=11)
    old = begun(store, size=1, content=b"1", age_s=51)
    young = begun(store, content=b"1", age_s=9)
    with pytest.raises(ApiError) as error:
        uploads.find(old, "me")
    assert code_of(error) == (410, "expired")
    assert uploads.sweep() == 1
    assert store.about(part) is None
    assert sorted(store.uids()) == sorted([whole, young])


def test_a_second_writer_interrupts_the_first(uploads: Uploads) -> None:
    order: list[str] = []

    async def first(interrupted: asyncio.Event) -> None:
        async with uploads.writing("a", interrupted.set):
            order.append("first")
            await interrupted.wait()
            order.append("interrupted")

    async def write() -> None:
        interrupted = asyncio.Event()
        task = asyncio.create_task(first(interrupted))
        await asyncio.sleep(0)
        async with uploads.writing("a", lambda: None):
            order.append("second")
        await task

    asyncio.run(write())
    assert order == ["first", "interrupted", "second"]
    assert uploads._writers == uploads._locks == {}


def test_a_writer_that_does_not_end_keeps_its_upload(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def write() -> None:
        async with uploads.writing("a", lambda: None):
            with pytest.raises(ApiError) as error:
                async with uploads.writing("a", lambda: None):
                    raise AssertionError
            assert code_of(error) == (423, "locked")

    asyncio.run(write())
