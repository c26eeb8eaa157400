"""A server under kills, database failures and a full disk, for `tools/soak.py`."""

from __future__ import annotations

import base64
import contextlib
import io
import os
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from soak_process import ServerProcess

_OPTIONS = {"models": ["espcn-x2"]}
_TUS = {"Tus-Resumable": "1.0.0"}
_PATIENCE_S = 180
_JOBS = 6
_TROUBLES = 5


class Served(ServerProcess):
    """A server that is disturbed while it processes jobs.

    Args:
        folder: Folder for its log.
        disk: Folder for its files and database; soon full.
        chance: Decides what happens when.
        count: Counts what happened and what was lost.
    """

    def __init__(
        self, folder: Path, disk: Path, chance: random.Random, count: Counter[str]
    ) -> None:
        super().__init__(chance)
        self._log, self._disk, self._count = folder / "server.log", disk, count
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._api = httpx.Client(
            base_url=f"http://127.0.0.1:{self._port}/api/v1", timeout=10, trust_env=False
        )
        self._sources: list[bytes] = []
        self._expected: list[tuple[int, int]] = []

    def prepare(self) -> None:
        """Makes the pictures and starts the server."""
        import numpy as np

        from crispen.media.image import Image, write_image

        self._log.parent.mkdir(parents=True, exist_ok=True)
        for i in range(_JOBS):
            y, x = np.mgrid[: 120 + 60 * i, : 200 + 60 * i]
            waves = 128 + 100 * np.sin(np.dstack([x / 9, y / 7, (x + y) / (5 + i)]))
            file = io.BytesIO()
            write_image(Image(waves.astype(np.uint8)), file, format="png")
            self._sources.append(file.getvalue())
            self._expected.append((2 * (200 + 60 * i), 2 * (120 + 60 * i)))
        self._start()
        self._until(self._healthy, "the server does not start")

    def round(self) -> None:
        """A few jobs, a few faults; every accepted job must be done."""
        taken: dict[str, int] = {}
        for number in range(self._chance.randint(2, _JOBS)):
            if (job := self._sent(number)) is not None:
                taken[job] = number
            if self._chance.random() < 0.5:
                self._trouble()
        for _ in range(self._chance.randint(1, _TROUBLES)):
            self._trouble()
            time.sleep(self._chance.uniform(0, 2))
        self._restart()
        self._until(self._healthy, "/health does not recover")
        for job, number in taken.items():
            self._check(job, number)
        for job in taken:
            with contextlib.suppress(httpx.HTTPError):
                self._api.delete(f"/jobs/{job}")

    def close(self) -> None:
        """Ends the server and its workers."""
        if self._server is not None:
            self._kill_all()

    def _start(self) -> None:
        command = ["serve", "--port", str(self._port), "--folder", str(self._disk / "served")]
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "crispen", *command],
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "CRISPEN_LEASE_S": "3", "CRISPEN_MIN_FREE_BYTES": "2000000"},
            )

    def _trouble(self) -> None:
        kinds: tuple[Callable[[], None], ...] = (
            *(self._kill_server, self._kill_all, self._stop_server, self._kill_worker),
            *(self._lock_database, self._take_database, self._fill_disk),
        )
        kind = self._chance.choice(kinds)
        self._count[kind.__name__.strip("_").replace("_", " ")] += 1
        kind()
        self._restart()

    def _lock_database(self) -> None:
        """Locks it as a backup does."""
        with self._database() as admin:
            admin.execute("BEGIN IMMEDIATE")
            time.sleep(self._chance.uniform(0.2, 8))
            admin.execute("ROLLBACK")

    def _take_database(self) -> None:
        """Every statement fails."""
        with self._database() as admin:
            admin.execute("ALTER TABLE crispen_job RENAME TO away")
            try:
                time.sleep(self._chance.uniform(0.2, 8))
            finally:
                admin.execute("ALTER TABLE away RENAME TO crispen_job")

    @contextlib.contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        found = [*(self._disk / "served").glob("*.db")]
        if not found:
            return
        with contextlib.closing(sqlite3.connect(found[0], isolation_level=None)) as admin:
            admin.execute("PRAGMA busy_timeout = 20000")
            yield admin

    def _fill_disk(self) -> None:
        free = shutil.disk_usage(self._disk).free
        if free > 1 << 30:  # no separate disk
            return
        ballast = self._disk / "ballast"
        room = self._chance.choice((0, 8_192, 200_000))
        try:
            with contextlib.suppress(OSError):
                ballast.write_bytes(bytes(max(0, free - room)))
            if self._chance.random() < 0.5:
                self._sent(0, tries=1)  # refused, or accepted and then done
            time.sleep(self._chance.uniform(0.2, 5))
        finally:
            ballast.unlink(missing_ok=True)

    def _sent(self, number: int, tries: int = 60) -> str | None:
        """The id of a new job; None if it was refused, which may happen during faults."""
        content = self._sources[number]
        shown = base64.b64encode(f"{number}.png".encode()).decode()
        about = {**_TUS, "Upload-Length": str(len(content)), "Upload-Metadata": f"filename {shown}"}
        for _ in range(tries):
            try:
                begun = self._api.post("/uploads/", headers=about)
                begun.raise_for_status()
                where = begun.headers["location"]
                kind = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
                self._api.patch(where, headers=_TUS | kind, content=content).raise_for_status()
                body = {"upload": where.rpartition("/")[2], "options": _OPTIONS}
                made = self._api.post("/jobs", json=body)
                made.raise_for_status()
                self._count["jobs taken"] += 1
                return str(made.json()["id"])
            except httpx.HTTPError:
                self._restart()
                time.sleep(0.5)
        self._count["jobs refused"] += 1
        return None

    def _check(self, job: str, number: int) -> None:
        """Checks that an accepted job is done and correct."""
        import PIL.Image

        end = time.monotonic() + _PATIENCE_S
        about: dict[str, object] = {}
        while time.monotonic() < end:
            try:
                answer = self._api.get(f"/jobs/{job}")
                if answer.status_code == 404:
                    self._lost("a job")
                    return
                answer.raise_for_status()
                about = answer.json()
                if about["status"] == "done":
                    result = self._api.get(f"/jobs/{job}/result")
                    result.raise_for_status()
                    with PIL.Image.open(io.BytesIO(result.content)) as picture:
                        picture.load()
                        if picture.size == self._expected[number]:
                            self._count["jobs done"] += 1
                        else:
                            self._lost("the size of a result")
                    return
                if about["status"] in ("failed", "cancelled"):
                    # A full disk, or three workers killed over one job: reported, not lost.
                    self._count[f"retried: {str(about.get('error'))[:60]}"] += 1
                    self._api.post(f"/jobs/{job}/retry").raise_for_status()
            except httpx.HTTPError as error:
                self._count[f"answers: {type(error).__name__}"] += 1
                self._restart()
            time.sleep(0.3)
        self._lost(f"a job that does not end: {about}")

    def _healthy(self) -> bool:
        try:
            return self._api.get("/health").status_code == 200
        except httpx.HTTPError:
            self._restart()
            return False

    def _until(self, what: Callable[[], bool], otherwise: str) -> None:
        end = time.monotonic() + _PATIENCE_S
        while not what():
            if time.monotonic() > end:
                self._lost(otherwise)
                return
            time.sleep(0.3)

    def _lost(self, what: str) -> None:
        print(f"server: {what}", flush=True)
        self._count[f"LOST {what.split(':')[0]}"] += 1
