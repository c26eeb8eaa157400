"""The database fails, is locked, or the disk is full under a server: it says so and recovers."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from .conftest import PATIENCE_S, Api, Live, error_of, png
from .services.test_events import events

FAST = {"models": ["espcn-x2"]}
SLOW = {"models": ["residual-x4"]}
BUSY_S = 0.3


def until(what: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    end = time.monotonic() + patience_s
    while not what():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.05)


@pytest.fixture
def live(start: Callable[..., Live], tmp_path: Path) -> Live:
    (tmp_path / "data").mkdir()
    url = f"sqlite:///{tmp_path / 'data' / 'q.db'}?timeout={BUSY_S}"
    return start(workers=1, database_url=url, lease_s=2.0)


@contextlib.contextmanager
def away(folder: Path) -> Iterator[None]:
    """Every statement of every process fails."""
    with contextlib.closing(sqlite3.connect(folder / "q.db", isolation_level=None)) as admin:
        admin.execute("PRAGMA busy_timeout = 10000")
        admin.execute("ALTER TABLE crispen_job RENAME TO away")
        try:
            yield
        finally:
            admin.execute("ALTER TABLE away RENAME TO crispen_job")


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """What a backup tool does."""
    with contextlib.closing(sqlite3.connect(folder / "q.db", isolation_level=None)) as backup:
        backup.execute("PRAGMA busy_timeout = 10000")
        backup.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            backup.execute("ROLLBACK")


def healthy(api: Api) -> bool:
    return api.get("/health").status_code == 200


@pytest.mark.parametrize("outage", [away, locked])
def test_health_is_503_during_an_outage_and_recovers_by_itself(
    outage, live: Live, photo: bytes
) -> None:
    with live.client() as api:
        job = api.job(png(1200, 1200), **SLOW)
        api.wait(job["id"], ("running",))
        until(lambda: healthy(api))
        with outage(live.settings.folder):
            until(lambda: not healthy(api))
            answer = api.get("/health")
            assert "degraded: " in error_of(answer, 503, "degraded")
            assert answer.headers["retry-after"]
            time.sleep(3)
            assert not healthy(api)
        until(lambda: healthy(api))
        after = api.get(f"/jobs/{job['id']}").json()
        assert (after["status"], after["attempts"]) == ("running", 1)
        api.post(f"/jobs/{job['id']}/cancel")


def test_events_go_on_after_an_outage(live: Live, photo: bytes) -> None:
    with live.client() as api, live.client() as other, api.stream("GET", "/events") as answer:
        told = events(answer)
        assert next(told)[0] == "snapshot"
        with away(live.settings.folder):
            until(lambda: not healthy(other))
            time.sleep(1)
        job = other.job(photo, **FAST)
        for _, news in told:
            assert news["id"] == job["id"]
            if news["status"] == "done":
                break


@pytest.mark.parametrize("outage", [away, locked])
def test_what_fails_in_an_outage_can_be_asked_again(outage, live: Live, photo: bytes) -> None:
    with live.client() as api:
        uid = api.upload(photo)
        with outage(live.settings.folder):
            answer = api.post("/jobs", json={"upload": uid, "options": FAST})
            assert "try again" in error_of(answer, 503, "queue_away")
            assert answer.headers["retry-after"]
            assert str(live.settings.folder) not in answer.text
        made = api.post("/jobs", json={"upload": uid, "options": FAST})
        assert made.status_code == 201
        assert api.wait(uid)["status"] == "done"
        assert [path for path in live.leftovers() if path.startswith("uploads/")] == []


def test_a_job_written_down_although_its_request_failed_is_given_again(
    live: Live, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crispen.jobs.database import StoreError

    add = live.services.store.add

    def broken(new):
        add(new)
        raise StoreError("the connection broke before the answer came")

    with live.client() as api:
        uid = api.upload(photo)
        with monkeypatch.context() as patch:
            patch.setattr(live.services.store, "add", broken)
            error_of(api.post("/jobs", json={"upload": uid, "options": FAST}), 503, "queue_away")
        assert api.post("/jobs", json={"upload": uid, "options": FAST}).json()["id"] == uid
        assert api.wait(uid)["status"] == "done"
        assert [path for path in live.leftovers() if path.startswith("uploads/")] == []


def test_who_waits_for_a_picture_gets_it_after_an_outage(live: Live) -> None:
    answers: list[httpx.Response] = []

    def ask() -> None:
        with live.client() as api:
            answers.append(
                api.post("/enhance", params={"model": "residual-x4"}, content=png(150, 150))
            )

    thread = threading.Thread(target=ask)
    thread.start()
    until(lambda: len(live.services.store.held()) > 0)
    with away(live.settings.folder):
        time.sleep(3)
    thread.join()
    assert [answer.status_code for answer in answers] == [200]
    until(lambda: not live.leftovers())


def test_a_picture_nobody_waits_for_is_deleted_after_an_outage(live: Live) -> None:
    body = png(900, 900)
    line = socket.create_connection(("127.0.0.1", int(live.url.rpartition(":")[2])))
    line.sendall(
        b"POST /api/v1/enhance?model=residual-x4 HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body) + body
    )
    until(lambda: len(live.services.store.held()) > 0)
    with away(live.settings.folder):
        line.close()  # the client gives up, and its job cannot be deleted now
        until(lambda: len(live.services.queue._to_delete) > 0)
    live.services.queue.sweep()
    assert live.services.store.hidden() == []
    until(lambda: not live.leftovers())


def test_a_locked_database_keeps_no_other_request_waiting(
    start: Callable[..., Live], tmp_path: Path, photo: bytes
) -> None:
    (tmp_path / "data").mkdir()
    live = start(database_url=f"sqlite:///{tmp_path / 'data' / 'q.db'}?timeout=4")
    with live.client() as api:
        uids = [api.upload(photo) for _ in range(12)]

    def ask(uid: str) -> None:
        with live.client() as mine:
            mine.post("/jobs", json={"upload": uid, "options": FAST})

    with live.client() as api, locked(live.settings.folder):
        threads = [threading.Thread(target=ask, args=(uid,)) for uid in uids]
        for thread in threads:
            thread.start()
        time.sleep(1)
        began = time.monotonic()
        for _ in range(5):
            api.get("/health")
            assert api.get("/settings").status_code == 200
            assert api.upload(photo)
        assert time.monotonic() - began < 2.5
    for thread in threads:
        thread.join()


def test_a_full_disk(tmp_path: Path, photo: bytes) -> None:
    """A disk of 24 MB of the server's own fills up while it works, and is emptied again."""
    disk = tmp_path / "disk"
    disk.mkdir()
    script = 'mount -t tmpfs -o size=24m none "$1" && shift && exec "$@"'
    command = ["unshare", "-rm", "sh", "-c", script, "-", str(disk)]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*command, "true"], check=False).returncode
    ):
        pytest.skip("no disk of one's own can be made here")
    serve = [sys.executable, "-m", "crispen", "serve", "--port", "0", "--threads", "1", "--json"]
    environment = os.environ | {"CRISPEN_MIN_FREE_BYTES": "0", "CRISPEN_LEASE_S": "2"}
    process = subprocess.Popen(
        [*command, *serve, "--folder", str(disk / "data")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    told: list[str] = []
    reader = threading.Thread(target=lambda: told.extend(process.stderr or ()))
    reader.start()
    try:
        url = json.loads("".join(process.stdout.readline() for _ in range(3)))["url"]
        inside = Path(f"/proc/{process.pid}/root{disk}")
        with Api(url) as api:
            job = api.job(png(400, 400), **SLOW)
            api.wait(job["id"], ("running",))
            with contextlib.suppress(OSError), (inside / "filling").open("wb") as filling:
                while True:
                    filling.write(bytes(4096))
                    filling.flush()
            until(lambda: not healthy(api))
            time.sleep(3)
            assert api.begin(len(photo)).status_code in (503, 507)
            (inside / "filling").unlink()
            until(lambda: healthy(api))
            # Its picture did not fit, or did: it is told, and it ran once.
            ended = api.wait(job["id"])
            assert ended["attempts"] == 1
            assert ended["status"] == "done" or "disk is full" in ended["error"]
            again = api.job(photo, **FAST)
            assert api.wait(again["id"])["status"] == "done"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()
        process.stderr.close()
    assert any("disk is full" in line or "disk I/O error" in line for line in told), told
