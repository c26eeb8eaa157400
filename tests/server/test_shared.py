"""Two servers and four workers share a PostgreSQL database and a folder; each is killed in turn."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import Api, png

FAST = {"models": ["espcn-x2"]}
SLOW = {"models": ["residual-x4"]}
PATIENCE_S = 240.0


class Process:
    """A server or a worker of the shared queue, in a process of its own."""

    def __init__(self, folder: Path, database: str, *command: str) -> None:
        settings = {
            "CRISPEN_DATABASE_URL": database.replace("+psycopg", ""),
            "CRISPEN_SHARED": "1",
            "CRISPEN_LEASE_S": "4",
            "CRISPEN_MODELS": str(folder / "models"),
            "CRISPEN_MIN_FREE_BYTES": "0",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "crispen", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **settings},
            cwd=folder,
        )
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def stop(self) -> int:
        self.process.terminate()
        self.process.communicate(timeout=60)
        return self.process.returncode


class Place:
    """The servers and workers."""

    def __init__(self, folder: Path, database: str) -> None:
        self._folder, self._database = folder, database
        self._data = str(folder / "data")
        self.servers = [self.server() for _ in range(2)]
        self.workers = [self.worker() for _ in range(4)]

    def server(self) -> Process:
        options = ("serve", "--port", "0", "--workers", "0", "--folder", self._data)
        server = Process(self._folder, self._database, *options)
        assert "Crispen is at" in server.said
        return server

    def worker(self) -> Process:
        options = ("worker", "--store", self._data, "--threads", "1")
        worker = Process(self._folder, self._database, *options)
        assert "1 worker is ready" in worker.said
        return worker

    def api(self, number: int) -> Api:
        url = re.search(r"http://\S+", self.servers[number].said)
        assert url is not None
        return Api(url[0])

    def close(self) -> list[int]:
        return [process.stop() for process in (*self.workers, *self.servers)]


@pytest.fixture
def place(tmp_path: Path, postgresql_url: str) -> Iterator[Place]:
    found = Place(tmp_path, postgresql_url)
    try:
        yield found
    finally:
        assert set(found.close()) == {0}


def test_whoever_is_killed_nothing_is_lost_and_nothing_is_done_twice(place: Place) -> None:
    sources = [png(60, 50, seed) for seed in range(3)]
    jobs: dict[str, int] = {}

    def ask(server: int, count: int) -> None:
        with place.api(server) as api:
            for number in range(count):
                seed = number % len(sources)
                options = SLOW if number == 0 else FAST
                job = api.job(sources[seed], f"{len(jobs)}.png", **options)
                jobs[job["id"]] = seed

    for number in range(4):
        ask(number % 2, 3)
        place.workers[number].kill()
        place.workers[number] = place.worker()
    for number in range(2):
        ask(1 - number, 3)
        place.servers[number].kill()
        ask(1 - number, 2)
        place.servers[number] = place.server()

    done = finished(place, set(jobs))
    assert {job["status"] for job in done.values()} == {"done"}, done
    with place.api(0) as one, place.api(1) as other:
        results: dict[tuple[int, str], set[bytes]] = {}
        for id, seed in jobs.items():
            content = one.get(f"/jobs/{id}/result").content
            assert content == other.get(f"/jobs/{id}/result").content
            label = done[id]["result"]["name"].rpartition(".")[0].rpartition(".")[2]
            results.setdefault((seed, label), set()).add(content)
        # The same source with the same model gave the same bytes each time.
        assert {len(contents) for contents in results.values()} == {1}
        assert len(one.get("/jobs").json()["jobs"]) == len(jobs)


def finished(place: Place, ids: set[str]) -> dict[str, dict[str, Any]]:
    """All jobs, once they have ended."""
    end = time.monotonic() + PATIENCE_S
    with place.api(0) as api:
        while time.monotonic() < end:
            found = {job["id"]: job for job in api.get("/jobs").json()["jobs"]}
            assert found.keys() == ids
            if all(job["status"] in ("done", "failed") for job in found.values()):
                return found
            time.sleep(0.2)
    raise AssertionError({job["id"]: job["status"] for job in found.values()})


def test_a_server_that_does_not_share_is_kept_out(place: Place, tmp_path: Path) -> None:
    alone = subprocess.run(
        [sys.executable, "-m", "crispen", "serve", "--port", "0", "--folder", str(tmp_path / "b")],
        env={**os.environ, "CRISPEN_DATABASE_URL": place._database},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert alone.returncode
    assert "another server uses this database" in alone.stderr
