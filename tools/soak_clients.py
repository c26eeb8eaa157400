"""Twenty clients of one server that is killed, whose database restarts and whose clock jumps.

For `tools/soak.py`. The database is a private PostgreSQL if one is installed, else SQLite;
libfaketime moves the clock if it is installed. Each client sends pictures one after another, waits
for each, and compares the result with that of an undisturbed run, pixel by pixel.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx

from soak_process import ServerProcess

sys.path.append(str(Path(__file__).resolve().parents[1]))

_CLIENTS = 20
_PATIENCE_S = 300
_OPTIONS = {"models": ["espcn-x2"], "scale": 2}
_TUS = {"Tus-Resumable": "1.0.0"}
_FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
_JUMPS = ("-3600s", "+0s", "+2d", "+600s", "-30s")
_LIMITS = {
    # With 20 clients on two cores a healthy worker is sometimes silent for some seconds.
    "CRISPEN_LEASE_S": "10",
    "CRISPEN_RATE_PER_MINUTE": "100000",
    "CRISPEN_MAX_UPLOADS_PER_ADDRESS": "1000",
    "CRISPEN_MAX_CONNECTIONS_PER_ADDRESS": "1000",
    "CRISPEN_MAX_STREAMS_PER_ADDRESS": "1000",
    "CRISPEN_MAX_JOBS_PER_CLIENT": "10000",
    "CRISPEN_MAX_WAITING": "10000",
}


class Crowd(ServerProcess):
    """Clients that continue until stopped.

    Args:
        folder: Folder for the server's files and logs.
        disk: Not used: there is enough space here.
        chance: Decides what happens when.
        count: Counts what happened and what was lost.
    """

    def __init__(
        self, folder: Path, disk: Path, chance: random.Random, count: Counter[str]
    ) -> None:
        super().__init__(chance)
        self._folder, self._count = folder, count
        self._lock = threading.Lock()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._database: contextlib.ExitStack = contextlib.ExitStack()
        self._cluster: object | None = None
        self._url = ""
        self._clock = folder / "clock"
        self._sources: list[bytes] = []
        self._expected: list[str] = []
        self._clients: list[threading.Thread] = []
        self._ending = threading.Event()
        self._resident: list[int] = []

    def prepare(self) -> None:
        """Makes pictures and their expected results, and starts everything."""
        import numpy as np

        import crispen
        from crispen.media.image import Image, write_image

        self._folder.mkdir(parents=True, exist_ok=True)
        self._clock.write_text("+0s")
        for i in range(8):
            y, x = np.mgrid[: 60 + 20 * i, : 80 + 30 * i]
            waves = 128 + 100 * np.sin(np.dstack([x / 9, y / 7, (x + y) / (5 + i)]))
            file = io.BytesIO()
            write_image(Image(waves.astype(np.uint8)), file, format="png")
            self._sources.append(file.getvalue())
            made = crispen.enhance(file.getvalue(), scale=2, model="espcn-x2")
            self._expected.append(hashlib.sha256(made.pixels.tobytes()).hexdigest())
        self._open_database()
        self._start()
        if not self._wait_healthy():
            self._lost("the server does not start")
            return
        self._clients = [
            threading.Thread(target=self._client, args=(n,), daemon=True) for n in range(_CLIENTS)
        ]
        for client in self._clients:
            client.start()

    def round(self) -> None:
        """One fault; after recovery, a quiet period in which work is done."""
        kinds: tuple[Callable[[], None], ...] = (
            *(self._kill_server, self._kill_worker, self._stop_server),
            *(self._restart_database, self._move_clock),
        )
        kind = self._chance.choice(kinds)
        self._add(kind.__name__.strip("_").replace("_", " "))
        kind()
        if not self._wait_healthy():
            self._lost("a server that does not get well")
        time.sleep(self._chance.uniform(3, 12))
        self._restart()
        self._measure()

    def close(self) -> None:
        """Lets the clients finish their current work, and stops the server."""
        self._ending.set()
        end = time.monotonic() + 1.2 * _PATIENCE_S
        while any(client.is_alive() for client in self._clients) and time.monotonic() < end:
            self._restart()
            time.sleep(0.5)
        if any(client.is_alive() for client in self._clients):
            self._lost("clients that wait for ever")
        if self._server is not None:
            self._kill_all()
        self._database.close()
        if self._resident:
            tenth = max(1, len(self._resident) // 10)
            first, last = (
                sorted(part)[len(part) // 2]
                for part in (self._resident[: 3 * tenth], self._resident[-3 * tenth :])
            )
            self._count["MB resident early"] = first >> 20
            self._count["MB resident late"] = last >> 20
            if last > 1.3 * first + (64 << 20):
                self._lost("memory that grows")

    def _open_database(self) -> None:
        import pytest
        from tests.postgresql import cluster

        try:
            self._cluster = self._database.enter_context(cluster())
            self._url = self._database.enter_context(self._cluster.database())
        except (pytest.skip.Exception, ImportError):
            print("clients: PostgreSQL is not installed, so SQLite is the database", flush=True)
        if not _FAKETIME.exists():
            print("clients: libfaketime is not installed, so the clock stays right", flush=True)

    def _start(self) -> None:
        command = ["serve", "--port", str(self._port), "--folder", str(self._folder / "served")]
        more = {"CRISPEN_DATABASE_URL": self._url} if self._url else {}
        if _FAKETIME.exists():
            more |= {
                "LD_PRELOAD": str(_FAKETIME),
                "FAKETIME_TIMESTAMP_FILE": str(self._clock),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "DONT_FAKE_MONOTONIC": "1",
            }
        with (self._folder / "server.log").open("ab") as log:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "crispen", *command],
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, **_LIMITS, **more},
            )

    def _restart_database(self) -> None:
        if self._cluster is None:
            return
        self._cluster.stop()  # type: ignore[attr-defined]
        time.sleep(self._chance.uniform(0, 8))
        self._cluster.start()  # type: ignore[attr-defined]

    def _move_clock(self) -> None:
        self._clock.write_text(self._chance.choice(_JUMPS))

    def _measure(self) -> None:
        assert self._server is not None
        with contextlib.suppress(OSError, ValueError, IndexError):
            pages = Path(f"/proc/{self._server.pid}/statm").read_text().split()[1]
            self._resident.append(int(pages) * os.sysconf("SC_PAGE_SIZE"))

    def _api(self, name: str) -> httpx.Client:
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self._port}/api/v1",
            timeout=30,
            trust_env=False,
            headers={"User-Agent": f"soak-{name}"},
        )

    def _client(self, number: int) -> None:
        chance = random.Random(number)
        with self._api(str(number)) as api:
            while not self._ending.is_set():
                picture = chance.randrange(len(self._sources))
                job = self._sent(api, picture)
                if job is not None:
                    self._awaited(api, job, picture)
                time.sleep(chance.uniform(0, 0.5))

    def _sent(self, api: httpx.Client, picture: int) -> str | None:
        """The id of a new job; None if the run ended first."""
        content = self._sources[picture]
        shown = base64.b64encode(f"{picture}.png".encode()).decode()
        about = {**_TUS, "Upload-Length": str(len(content)), "Upload-Metadata": f"filename {shown}"}
        while not self._ending.is_set():
            try:
                begun = api.post("/uploads/", headers=about)
                begun.raise_for_status()
                where = begun.headers["location"]
                kind = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
                api.patch(where, headers=_TUS | kind, content=content).raise_for_status()
                body = {"upload": where.rpartition("/")[2], "options": _OPTIONS}
                made = api.post("/jobs", json=body)
                made.raise_for_status()
                self._add("jobs taken")
                return str(made.json()["id"])
            except httpx.HTTPStatusError as error:
                self._add(f"answers: {error.response.status_code}")
                time.sleep(0.5)
            except httpx.HTTPError as error:
                self._add(f"answers: {type(error).__name__}")
                time.sleep(0.5)
        return None

    def _awaited(self, api: httpx.Client, job: str, picture: int) -> None:
        status: object = None
        quiet: float | None = None
        while True:
            # A job is lost if it is not done after all faults; before that, it may wait its turn.
            if self._ending.is_set():
                quiet = quiet or time.monotonic()
                if time.monotonic() > quiet + _PATIENCE_S:
                    break
            try:
                answer = api.get(f"/jobs/{job}")
                if answer.status_code == 404:
                    self._lost("a job")
                    return
                answer.raise_for_status()
                status = answer.json()["status"]
                if status == "done":
                    result = api.get(f"/jobs/{job}/result")
                    result.raise_for_status()
                    self._compare(result.content, picture)
                    with contextlib.suppress(httpx.HTTPError):
                        api.delete(f"/jobs/{job}")
                    return
                if status in ("failed", "cancelled"):
                    # Three workers killed over one job: reported, not lost.
                    self._add(f"retried: {str(answer.json().get('error'))[:60]}")
                    api.post(f"/jobs/{job}/retry").raise_for_status()
            except httpx.HTTPError:
                time.sleep(0.5)
            time.sleep(0.3)
        self._lost(f"a job that does not end: {status}")

    def _compare(self, content: bytes, picture: int) -> None:
        from crispen.media.image import read_image

        found = hashlib.sha256(read_image(content).pixels.tobytes()).hexdigest()
        if found == self._expected[picture]:
            self._add("jobs done")
        else:
            self._lost("the pixels of a result")

    def _wait_healthy(self) -> bool:
        """Restarts the server as often as needed; returns False if that does not help."""
        end = time.monotonic() + _PATIENCE_S
        with self._api("health") as api:
            while time.monotonic() < end:
                self._restart()
                with contextlib.suppress(httpx.HTTPError):
                    if api.get("/health").status_code == 200:
                        return True
                time.sleep(0.3)
        return False

    def _add(self, what: str) -> None:
        with self._lock:
            self._count[what] += 1

    def _lost(self, what: str) -> None:
        print(f"clients: {what}", flush=True)
        self._add(f"LOST {what.split(':')[0]}")
