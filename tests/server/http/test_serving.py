"""``crispen serve`` as a process: started, stopped, killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crispen.media.image import read_image

from ..conftest import Api, png

ROOT = Path(__file__).parents[3]
FAST = {"models": ["espcn"]}
SLOW = {"models": ["photo-x4"]}


class Process:
    """A server process; what it prints is collected."""

    def __init__(self, folder: Path, *options: str) -> None:
        command = [sys.executable, "-m", "crispen", "serve", "--port", "0", "--threads", "1"]
        self._process = subprocess.Popen(
            [*command, "--folder", str(folder), *options],
            cwd=folder.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.told: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        assert self._process.stdout is not None
        self.first = self._process.stdout.readline()
        while self.first.strip() == "{":
            self.first += "".join(self._process.stdout.readline() for _ in range(2))
        self.url = self.first.partition("http")[2].partition(" ")[0].strip('"\n }')
        self.url = f"http{self.url}"

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.told.append(line)

    def client(self) -> Api:
        return Api(self.url)

    def end(self, number: int) -> int:
        self._process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        code = self._process.wait(60)
        self._reader.join(30)
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()
        return code


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    running: list[Process] = []

    def begin(*options: str) -> Process:
        process = Process(tmp_path / "data", *options)
        running.append(process)
        return process

    yield begin
    for process in running:
        if process._process.poll() is None:
            process.end(signal.SIGKILL)


def test_a_graceful_stop_queues_what_runs(serve: Callable[..., Process]) -> None:
    process = serve()
    assert process.first.startswith("Crispen is at http://127.0.0.1:")
    with process.client() as api:
        job = api.job(png(1200, 1200), **SLOW)
        api.wait(job["id"], ("running",))
        with api.stream("GET", "/events") as stream:
            lines = stream.iter_lines()
            assert "snapshot" in next(lines)
            assert process.end(signal.SIGINT) == 0
            for _ in lines:  # the stream ends with the server, not in the middle
                pass
    again = serve("--workers", "0")
    with again.client() as api:
        kept = api.get(f"/jobs/{job['id']}").json()
        assert (kept["status"], kept["attempts"], kept["position"]) == ("queued", 0, 1)
        assert again.end(signal.SIGTERM) == 0


def test_a_killed_server_loses_nothing(serve: Callable[..., Process]) -> None:
    process = serve()
    with process.client() as api:
        done = api.job(png(seed=1), **FAST)
        api.wait(done["id"])
        result = api.get(f"/jobs/{done['id']}/result").content
        running = api.job(png(1200, 1200), **SLOW)
        waiting = api.job(png(seed=2), **FAST)
        half = api.begin(len(result)).headers["location"].rpartition("/")[2]
        api.put_bytes(f"/uploads/{half}", result[:100])
        api.wait(running["id"], ("running",))
    process.end(signal.SIGKILL)
    with serve().client() as api:
        assert api.get(f"/jobs/{done['id']}/result").content == result
        api.post(f"/jobs/{running['id']}/cancel")
        assert api.wait(waiting["id"])["status"] == "done"
        assert api.get(f"/jobs/{running['id']}").json()["attempts"] <= 1
        assert api.put_bytes(f"/uploads/{half}", result[100:], 100).status_code == 204
        again = api.post("/jobs", json={"upload": half, "options": FAST | {"width": 50}}).json()
        api.wait(again["id"])
        assert read_image(api.get(f"/jobs/{again['id']}/result").content).width == 50


def test_a_killed_server_takes_its_processes_along(
    serve: Callable[..., Process], tmp_path: Path
) -> None:
    process = serve()
    with process.client() as api:
        api.post("/enhance", params={"model": "espcn"}, content=png())
    children = _children(process._process.pid)
    assert len(children) >= 2  # a worker and a reader of strangers' files
    process.end(signal.SIGKILL)
    end = time.monotonic() + 15
    while time.monotonic() < end and any(_alive(pid) for pid in children):
        time.sleep(0.05)
    assert not [pid for pid in children if _alive(pid)]


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children")
    if not found.exists():
        pytest.skip("children are not listed here")
    names = {
        p: Path(f"/proc/{p}/cmdline").read_bytes() for p in map(int, found.read_text().split())
    }
    return [p for p, line in names.items() if b"resource_tracker" not in line]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_programs_read(serve: Callable[..., Process]) -> None:
    process = serve("--json", "--workers", "0", "--host", "0.0.0.0")
    assert json.loads(process.first)["url"].startswith("http://localhost:")
    with process.client() as api:
        api.get("/health", headers={"X-Request-Id": "here-1"})
    assert process.end(signal.SIGTERM) == 0
    assert any("set a --token" in line for line in process.told)
    lines = [json.loads(line) for line in process.told if line.startswith("{")]
    (line,) = [line for line in lines if line.get("request_id") == "here-1"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/v1/health", 200)


def test_a_second_server_on_the_folder_is_refused(
    serve: Callable[..., Process], tmp_path: Path
) -> None:
    first = serve("--workers", "0")
    port = first.url.rpartition(":")[2]
    shared = tmp_path / "shared.toml"
    shared.write_text(f'database_url = "sqlite:///{tmp_path / "data" / "crispen.db"}"\n')
    for options, said in (
        (["--port", "0", "--folder", str(tmp_path / "data")], "another server uses this folder"),
        (
            ["--port", "0", "--folder", str(tmp_path / "c"), "--settings", str(shared)],
            "another server uses this database",
        ),
        (["--port", port, "--folder", str(tmp_path / "b")], "choose another --port"),
        (["--host", "no.such.host.invalid", "--folder", str(tmp_path / "b")], "no such address"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "crispen", "serve", *options],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode in (1, 2)
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1
    with first.client() as api:
        assert api.get("/health").status_code == 200


def test_health_needs_nothing_heavy(tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from starlette.testclient import TestClient
from crispen.server.http.app import create_app
from crispen.server.settings import Settings
app = create_app(Settings(folder=Path({str(tmp_path)!r}), workers=0, allowed_hosts=("testserver",)))
with TestClient(app) as client:
    assert client.get("/api/v1/health").status_code == 200
print(*[name for name in ("torch", "openvino", "av", "pyvips", "onnx") if name in sys.modules])
"""
    env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
    )
    assert done.stdout.split() == []
