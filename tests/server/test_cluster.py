"""``crispen serve --cluster`` as typed: a Ray of this machine, and one that others share."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..ray_nodes import Nodes
from .conftest import Api, Live, png

# Ray leaves the files of its logs open.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

PATIENCE_S = 180.0
FAST = {"models": ["espcn-x2"]}
SLOW = {"models": ["photo-x4"]}


class Typed:
    """A server in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.begin()

    def begin(self) -> None:
        command = ["serve", "--cluster", "--port", "0", "--folder", str(self._folder / "data")]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "crispen", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "CRISPEN_MODELS": str(self._folder / "models")},
            cwd=self._folder,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        url = re.search(r"http://\S+", self.process.stdout.readline())
        assert url is not None
        self.api = Api(url[0])

    def end(self, how: signal.Signals) -> int:
        self.api.close()
        self.process.send_signal(how)
        self.process.communicate(timeout=60)
        return self.process.returncode

    def stop_as_a_terminal_does(self) -> int:
        """Ctrl-C, which every process of the terminal is sent."""
        self.api.close()
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.communicate(timeout=60)
        return self.process.returncode


@pytest.fixture
def typed(tmp_path: Path) -> Iterator[Typed]:
    pytest.importorskip("ray", reason="pip install 'crispen[cluster]'")
    server = Typed(tmp_path)
    yield server
    if server.process.poll() is None:
        server.end(signal.SIGKILL)


def wait(good: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not good():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.05)


def test_a_killed_server_loses_no_job_and_ctrl_c_ends_all(typed: Typed) -> None:
    wait(lambda: typed.api.get("/health").status_code == 200)
    assert typed.api.get("/health").json()["workers"] >= 1
    job = typed.api.job(png(900, 900), "large.png", **SLOW)
    wait(lambda: bool(((typed.api.get(f"/jobs/{job['id']}").json())["progress"] or {}).get("done")))
    assert typed.end(signal.SIGKILL) == -signal.SIGKILL
    typed.begin()
    wait(lambda: typed.api.get(f"/jobs/{job['id']}").json()["status"] == "done")
    # It was the server that died, not what worked on the job.
    done = typed.api.get(f"/jobs/{job['id']}").json()
    assert done["attempts"] == 1
    assert done["result"]["width"] == 3600
    assert typed.api.get(f"/jobs/{job['id']}/result").content[:4] == b"\x89PNG"
    assert typed.api.get(f"/jobs/{job['id']}/preview/after").status_code == 200
    assert typed.stop_as_a_terminal_does() == 0


def test_a_shared_server_has_actors_on_all_machines(
    ray_nodes: Nodes, start: Callable[..., Live], postgresql_url: str
) -> None:
    live = start(
        workers=None, shared=True, database_url=postgresql_url, jobs_cluster=ray_nodes.address
    )
    with live.client() as api:
        wait(lambda: api.get("/health").json().get("workers") == 2)
        jobs = [api.job(png(60, 50, seed), f"{seed}.png", **FAST) for seed in range(6)]
        done = [api.wait(job["id"]) for job in jobs]
        assert {job["status"] for job in done} == {"done"}
        for job in done:
            assert api.get(f"/jobs/{job['id']}/result").status_code == 200


def test_a_cluster_of_others_needs_a_database_that_they_reach(tmp_path: Path) -> None:
    command = ["serve", "--cluster", "head:6379", "--folder", str(tmp_path / "data")]
    done = subprocess.run(
        [sys.executable, "-m", "crispen", *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "CRISPEN_SHARED=1 and CRISPEN_DATABASE_URL=postgresql://" in line
