"""Resumable uploads: the protocol, and what must not get through it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from fastapi import HTTPException

from crispen.server.http.routes.uploads import UploadRoutes
from crispen.server.services.upload_store import Owner

from ...conftest import TUS, Api, Live, error_of


def offset(api: Api, where: str) -> int:
    answer = api.head(where, headers=TUS)
    assert answer.status_code == 200
    return int(answer.headers["upload-offset"])


def test_an_upload_in_parts(api: Api, photo: bytes, live: Live) -> None:
    where = api.begin(len(photo)).headers["location"]
    assert api.put_bytes(where, photo[:100]).headers["upload-offset"] == "100"
    error_of(api.put_bytes(where, photo[100:], 5), 409, "conflict")
    error_of(api.post("/jobs", json={"upload": where}), 409, "not_finished")
    assert offset(api, where) == 100
    assert api.put_bytes(where, photo[100:], 100).status_code == 204
    assert offset(api, where) == len(photo)
    assert api.delete(where, headers=TUS).status_code == 204
    assert live.leftovers() == []
    error_of(api.delete(where, headers=TUS), 404, "not_found")


def test_a_connection_that_breaks_loses_nothing(api: Api, photo: bytes) -> None:
    where = api.begin(len(photo)).headers["location"]

    def broken() -> Iterator[bytes]:
        yield photo[:200]
        time.sleep(0.2)
        raise OSError("the cable was pulled")

    with pytest.raises(OSError, match="cable"):
        api.put_bytes(where, broken(), **{"Content-Length": str(len(photo))})
    end = time.monotonic() + 10
    while offset(api, where) != 200 and time.monotonic() < end:
        time.sleep(0.05)
    assert api.put_bytes(where, photo[200:], 200).status_code == 204
    job = api.post("/jobs", json={"upload": where, "options": {"models": ["espcn"]}}).json()
    assert api.get(f"/jobs/{job['id']}/source").content == photo


def test_who_comes_back_takes_over_from_a_dead_connection(
    api: Api, live: Live, photo: bytes
) -> None:
    where = api.begin(len(photo)).headers["location"]
    release = threading.Event()

    def stalled() -> Iterator[bytes]:
        yield photo[:150]
        release.wait(20)
        yield photo[150:]

    def write() -> None:
        # It is answered before its body is whole, or cut off.
        with live.client() as other, contextlib.suppress(httpx.HTTPError):
            other.put_bytes(where, stalled(), **{"Content-Length": str(len(photo))})

    thread = threading.Thread(target=write)
    thread.start()
    end = time.monotonic() + 10
    while time.monotonic() < end and offset(api, where) != 150:
        time.sleep(0.05)
    assert api.put_bytes(where, photo[150:], 150).status_code == 204
    release.set()
    thread.join()


def test_what_it_says_of_itself(api: Api, live: Live) -> None:
    answer = api.options("/uploads/")
    assert answer.headers["tus-version"] == "1.0.0"
    assert set(answer.headers["tus-extension"].split(",")) == {
        "creation",
        "expiration",
        "termination",
    }
    assert answer.headers["tus-max-size"] == str(live.settings.max_upload_bytes)


def test_what_is_refused_before_a_byte_is_taken(api: Api, live: Live) -> None:
    error_of(api.post("/uploads/", headers={"Upload-Length": "5"}), 412, "bad_version")
    for length in ("", "-1", "1e9", "٣", "9" * 40):
        sent = {**TUS, "Upload-Length": length.encode()}
        error_of(api.post("/uploads/", headers=sent), 400, "bad_length")
    error_of(api.begin(0), 422, "empty")
    error_of(api.begin(live.settings.max_upload_bytes + 1), 413, "too_large")
    for more in ({"Upload-Concat": "partial"}, {"Upload-Defer-Length": "1"}):
        error_of(api.begin(5, **more), 400, "not_supported")
    sent = {**TUS, "Upload-Length": "5"}
    error_of(api.post("/uploads/", headers=sent, content=b"12345"), 400, "not_supported")
    assert live.leftovers() == []


def test_more_than_was_promised_leaves_no_byte(api: Api, live: Live, photo: bytes) -> None:
    where = api.begin(100).headers["location"]
    error_of(api.put_bytes(where, photo), 400, "too_long")
    assert offset(api, where) == 0
    assert api.put_bytes(where, photo[:60]).status_code == 204
    error_of(api.put_bytes(where, photo[:60], 60), 400, "too_long")
    error_of(api.put_bytes(where, b"x" * 10, 7), 409, "conflict")
    assert api.put_bytes(where, photo[60:100], 60).status_code == 204
    path = live.services.upload_store.path(where.rpartition("/")[2])
    assert path.read_bytes() == photo[:100]


def test_a_refusal_in_the_middle_leaves_no_byte(live: Live, tmp_path: Path) -> None:
    """What the protocol's library finds out only after it has handed bytes over."""
    store = live.services.upload_store
    routes = UploadRoutes(live.services.uploads, store)
    storage = routes._storage
    headers = {
        "tus-resumable": "1.0.0",
        "content-type": "application/offset+octet-stream",
        "upload-offset": "4",
    }

    async def ask() -> None:
        uid = store.claim(Owner("me", ""))
        await storage.create(uid)
        await storage.write_info(uid, {"size": 5 << 20, "metadata": {}})
        store.path(uid).write_bytes(b"kept")
        asked = SimpleNamespace(
            method="PATCH", headers=headers, path_params={"uuid": uid}, scope={}
        )
        guard = routes.guard(asked, "me")  # type: ignore[arg-type]
        await guard.__anext__()
        await storage.append(uid, bytes(2 << 20))  # enough to reach the disk
        await storage.append(uid, b"on its way")
        assert await storage.size(uid) > 4
        with pytest.raises(HTTPException):
            await guard.athrow(HTTPException(400, "no"))
        assert store.path(uid).read_bytes() == b"kept"
        await storage.flush(uid)
        assert store.path(uid).read_bytes() == b"kept"
        store.drop(uid)

    asyncio.run(ask())


@pytest.mark.parametrize(
    "uid",
    ["0" * 32, "..", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%00", "secret", "a" * 31, "A" * 32],
)
def test_ids_are_never_paths(api: Api, live: Live, uid: str) -> None:
    before = sorted(os.listdir(live.settings.folder))
    for method in ("HEAD", "PATCH", "DELETE"):
        sent = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        answer = api.request(method, f"/uploads/{uid}", headers=TUS | sent)
        assert answer.status_code in (404, 405), answer.text
    assert sorted(os.listdir(live.settings.folder)) == before


def test_an_uploads_info_is_no_upload(api: Api, photo: bytes) -> None:
    where = api.begin(len(photo)).headers["location"]
    for method in ("HEAD", "DELETE"):
        assert api.request(method, f"{where}.info", headers=TUS).status_code == 404
    assert offset(api, where) == 0
    api.delete(where, headers=TUS)


def test_forwarded_hosts_are_not_believed(api: Api) -> None:
    answer = api.begin(5, **{"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "ftp"})
    assert answer.headers["location"].startswith(str(api.base_url.copy_with(path="/")))
    api.delete(answer.headers["location"], headers=TUS)


def test_names_in_metadata(api: Api, photo: bytes) -> None:
    for given, shown in (
        ("../../etc/passwd", "passwd"),
        ("<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>.png"),
        ("a\r\nSet-Cookie: x=1.png", "aSet-Cookie: x=1.png"),
        ("\u202egnp.exe", "gnp.exe"),
    ):
        uid = api.upload(photo, given)
        job = api.post("/jobs", json={"upload": uid, "options": {"models": ["espcn"]}}).json()
        assert job["name"] == shown
        source = api.get(f"/jobs/{job['id']}/source")
        assert "set-cookie" not in source.headers
        assert source.headers["content-disposition"].startswith("attachment")
        assert source.headers["x-content-type-options"] == "nosniff"


def test_uploads_expire(start: Callable[..., Live], photo: bytes) -> None:
    live = start(upload_ttl_s=300, upload_idle_s=100)
    with live.client() as api:
        where = api.begin(len(photo)).headers["location"]
        path = live.services.upload_store.path(where.rpartition("/")[2])
        os.utime(path, (time.time() - 200,) * 2)
        error_of(api.put_bytes(where, photo), 410, "expired")
        assert live.leftovers() == []
        kept, old = (api.begin(9).headers["location"].rpartition("/")[2] for _ in range(2))
        # One that is whole waits longer for its job than one that nobody goes on with.
        whole, stale = api.upload(photo), api.upload(photo)
        while live.services.uploads._writers:  # the answer comes before the end of its request
            time.sleep(0.01)
        for uid, age_s in ((old, 200), (whole, 200), (stale, 400)):
            os.utime(live.services.upload_store.path(uid), (time.time() - age_s,) * 2)
        assert live.services.uploads.sweep() == 2
        expected = [f"uploads/{uid}{end}" for uid in (kept, whole) for end in ("", ".info")]
        assert live.leftovers() == sorted(expected)


def test_room_is_taken_by_bytes_and_not_by_promises(start: Callable[..., Live]) -> None:
    live = start(max_total_bytes=500_000, max_upload_bytes=400_000)
    live.services.folder._count_every_s = 0.0
    with live.client() as api:
        # Promises that nobody keeps keep nobody out.
        wheres = [api.begin(300_000).headers["location"] for _ in range(30)]
        assert api.put_bytes(wheres[0], bytes(300_000)).status_code == 204
        answer = api.put_bytes(wheres[1], bytes(300_000))
        assert "delete old jobs" in error_of(answer, 507, "store_full")
        assert offset(api, wheres[1]) == 0
        api.delete(wheres[0], headers=TUS)
        assert api.put_bytes(wheres[1], bytes(300_000)).status_code == 204


def test_opening_many_does_not_slow_down(start: Callable[..., Live]) -> None:
    live = start(max_jobs_per_client=5000)
    with live.client() as api:

        def seconds(count: int) -> float:
            began = time.perf_counter()
            for _ in range(count):
                assert api.begin(9).status_code == 201
            return (time.perf_counter() - began) / count

        seconds(20)
        first = seconds(40)
        seconds(400)
        assert seconds(40) < 3 * first


def test_a_new_cookie_is_no_new_client(
    start: Callable[..., Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    live = start(separate_clients=True, max_uploads_per_address=3)
    monkeypatch.setattr("crispen.server.http.routes.uploads.is_loopback", lambda address: False)
    for _ in range(3):
        with live.client() as api:
            api.get("/jobs")
            where = api.begin(5).headers["location"]
    with live.client() as other:
        other.get("/jobs")
        error_of(other.begin(5), 429, "too_many")
        # What is known of an upload outlives the server.
        live.services.upload_store.__init__(live.services.folder, live.services.clock)
        live.services.upload_store.begin()
        error_of(other.begin(5), 429, "too_many")
        live.services.upload_store.drop(where.rpartition("/")[2])
        assert other.begin(5).status_code == 201


def test_a_disk_that_is_full(start: Callable[..., Live]) -> None:
    live = start(min_free_bytes=1 << 60)
    with live.client() as api:
        assert "disk is full" in error_of(api.begin(5), 507, "disk_full")
        error_of(api.post("/enhance", content=b"x"), 507, "disk_full")
        assert live.leftovers() == []


def test_a_disk_that_becomes_full(
    start: Callable[..., Live], photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = start()
    with live.client() as api:
        where = api.begin(len(photo)).headers["location"]
        disk = live.services.upload_store
        # A device that refuses every byte, as a full disk does.
        full = functools.partial(Path.open, Path("/dev/full"), "wb")
        monkeypatch.setattr(disk, "_open", lambda uid: full())
        assert "disk is full" in error_of(api.put_bytes(where, photo), 507, "disk_full")
        assert offset(api, where) == 0
        monkeypatch.undo()
        # It is kept, and goes on as soon as there is room.
        assert api.put_bytes(where, photo).status_code == 204


def test_a_client_has_no_more_than_so_many(start: Callable[..., Live]) -> None:
    live = start(max_jobs_per_client=2)
    with live.client() as api:
        assert [api.begin(5).status_code for _ in range(2)] == [201, 201]
        error_of(api.begin(5), 429, "too_many")
