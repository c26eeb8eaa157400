"""A real server on the loopback interface, and what a client does."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import os
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn
from sqlalchemy import event

from crispen.media.image import Image, write_image
from crispen.server.http.app import create_app
from crispen.server.settings import Settings

API = "/api/v1"
TUS = {"Tus-Resumable": "1.0.0"}
PATIENCE_S = 60.0


class Live:
    """A server in a thread of this process, with its workers beside it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.app = create_app(settings)
        self.services = self.app.state.services
        self.asked_in_the_loop: list[str] = []
        event.listen(self.services.store.engine, "before_cursor_execute", self._note)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        config = uvicorn.Config(self.app, log_config=None, timeout_graceful_shutdown=2, ws="none")
        self._uvicorn = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._uvicorn.run, args=([self._listener],))

    def __enter__(self) -> Live:
        self._thread.start()
        while not self._uvicorn.started:
            assert self._thread.is_alive()
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._uvicorn.should_exit = True
        self._thread.join()
        self._listener.close()
        assert self.asked_in_the_loop == []

    def _note(self, connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        # Whatever waits for the database there keeps every other request waiting as well.
        if asyncio._get_running_loop() is not None:
            self.asked_in_the_loop.append("".join(traceback.format_stack(limit=12)[:-6]))

    def client(self, **options: Any) -> Api:
        return Api(self.url, **options)

    def leftovers(self) -> list[str]:
        """Files of uploads, jobs and bodies on their way."""
        data = self.settings.folder
        # `Path.rglob` raises FileNotFoundError where a folder is deleted meanwhile.
        return sorted(
            os.path.relpath(Path(folder, name), data)
            for kind in ("uploads", "jobs", "drafts")
            for folder, folders, files in os.walk(data / kind)
            for name in (*folders, *files)
        )


class Api(httpx.Client):
    """A client that knows the ways of the API."""

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(base_url=url + API, timeout=PATIENCE_S, trust_env=False, **options)

    def begin(self, size: int, name: str = "photo.png", **headers: str) -> httpx.Response:
        shown = base64.b64encode(name.encode("utf-8", "surrogatepass")).decode()
        about = {**TUS, "Upload-Length": str(size), "Upload-Metadata": f"filename {shown}"}
        return self.post("/uploads/", headers=about | headers)

    def put_bytes(
        self, where: str, content: Any, offset: int = 0, **headers: str
    ) -> httpx.Response:
        about = {
            **TUS,
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
        }
        return self.patch(where, headers=about | headers, content=content)

    def upload(self, content: bytes, name: str = "photo.png") -> str:
        begun = self.begin(len(content), name)
        assert begun.status_code == 201, begun.text
        sent = self.put_bytes(begun.headers["location"], content)
        assert sent.status_code == 204, sent.text
        return begun.headers["location"].rpartition("/")[2]

    def job(self, content: bytes, name: str = "photo.png", **options: Any) -> dict[str, Any]:
        made = self.post("/jobs", json={"upload": self.upload(content, name), "options": options})
        assert made.status_code == 201, made.text
        return made.json()

    def wait(
        self, id: str, statuses: tuple[str, ...] = ("done", "failed", "cancelled")
    ) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            job = self.get(f"/jobs/{id}").json()
            if job["status"] in statuses:
                return job
            time.sleep(0.05)
        raise AssertionError(f"not in time: {job}")


def answer_on(connection: socket.socket) -> tuple[int, bytes]:
    """Status and body of the next answer on a raw connection, in however many pieces it comes."""
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return answer.status, answer.read()


def error_of(answer: httpx.Response, status: int, code: str) -> str:
    """The message of a failure, after a check that it has the one body."""
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    said = answer.json()["error"]
    # Some name the option that is at fault.
    assert set(said) - {"field"} == {"code", "message", "id"}
    assert isinstance(said.get("field", ""), str)
    assert said["code"] == code, said
    assert said["id"] == answer.headers["x-request-id"]
    assert "\n" not in said["message"]
    return str(said["message"])


def local(folder: Path, **more: Any) -> Settings:
    """Settings for a test: one thread, and nothing of the user's."""
    more = {"workers": 1, "threads": 1, "stop_s": 20.0, "min_free_bytes": 0} | more
    return Settings(folder=folder / "data", page_folder=folder / "page", **more)


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One server with a worker for all tests that change no setting."""
    patch = pytest.MonkeyPatch()
    patch.setenv("CRISPEN_MODELS", str(tmp_path_factory.mktemp("models")))
    with Live(local(tmp_path_factory.mktemp("live"))) as server:
        yield server
    patch.undo()


@pytest.fixture
def api(live: Live) -> Iterator[Api]:
    with live.client() as client:
        yield client
        for job in client.get("/jobs").json()["jobs"]:
            client.delete(f"/jobs/{job['id']}")
        for path in live.services.folder.uploads.iterdir():
            live.services.upload_store.drop(path.name.removesuffix(".info"))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Live]]:
    """Starts a server of the test's own; without workers unless it asks for them."""
    running: list[Live] = []

    def begin(**settings: Any) -> Live:
        server = Live(local(tmp_path, **({"workers": 0} | settings)))
        running.append(server)
        return server.__enter__()

    yield begin
    for server in running:
        server.__exit__()


def png(width: int = 48, height: int = 40, seed: int = 0) -> bytes:
    """A picture with edges in it."""
    from io import BytesIO

    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (-(-height // 4), -(-width // 4), 3), np.uint8)
    pixels = np.ascontiguousarray(coarse.repeat(4, 0).repeat(4, 1)[:height, :width])
    target = BytesIO()
    write_image(Image(pixels), target, format="png")
    return target.getvalue()


@pytest.fixture(scope="session")
def photo() -> bytes:
    return png()


@pytest.fixture(scope="session")
def clip() -> bytes:
    return (Path(__file__).parents[2] / "docs" / "demo" / "clip.mp4").read_bytes()


FAST = {"model": ["espcn"]}


def nothing_left(live: Live) -> None:
    end = time.monotonic() + 10
    while live.leftovers() and time.monotonic() < end:
        time.sleep(0.05)
    assert live.leftovers() == []
    assert not live.services.store.hidden()


def events(answer: httpx.Response) -> Iterator[tuple[str, Any]]:
    """Name and content of each event as it comes."""
    name = ""
    for line in answer.iter_lines():
        if line.startswith("event:"):
            name = line.partition(":")[2].strip()
        elif line.startswith("data:"):
            yield name, json.loads(line.partition(":")[2])
