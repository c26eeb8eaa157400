"""The server behind nginx, with the configuration that is in ``deploy/`` and below a path."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from .conftest import Api, Live, events

ROOT = Path(__file__).parents[2]
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
FAST = {"models": ["espcn"]}

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def nginx(folder: Path, server: str, location: str = "/", cut_off: bool = False) -> Iterator[str]:
    """The URL of an nginx before `server`; its configuration is ours but for addresses."""
    assert NGINX is not None
    port = free_port()
    text = (ROOT / "deploy/nginx.conf").read_text()
    for old, new in (
        ("listen 8080", f"listen 127.0.0.1:{port}"),
        ("pid /tmp/nginx.pid", f"pid {folder}/nginx.pid"),
        ("http://server:8000;", server.removesuffix("/") + ("/;" if cut_off else ";")),
        ("location / {", f"location {location} {{"),
        ("http {\n", f"http {{\n    client_body_temp_path {folder}/bodies;\n"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    settings = folder / "nginx.conf"
    settings.write_text(text)
    command = [NGINX, "-c", str(settings), "-e", str(folder / "error.log"), "-g", "daemon off;"]
    with subprocess.Popen(command) as process:
        try:
            end = time.monotonic() + 30
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    assert process.poll() is None, (folder / "error.log").read_text()
                    assert time.monotonic() < end
                    time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@pytest.mark.parametrize(
    ("path", "cut_off"), [("", False), ("/pictures", False), ("/pictures", True)]
)
def test_uploads_jobs_events_and_ranges_through_nginx(
    tmp_path: Path, start: Callable[..., Live], photo: bytes, path: str, cut_off: bool
) -> None:
    live = start(workers=1, root_path=path, trusted_proxies=("127.0.0.1",))
    with nginx(tmp_path, live.url, f"{path}/", cut_off) as url, Api(url + path) as api:
        assert api.get("/health").json()["status"] == "ok"
        begun = api.begin(len(photo))
        where = httpx.URL(begun.headers["location"])
        # Where the client must go on is below the path, at the proxy.
        assert where.path.startswith(f"{path}/api/v1/uploads/"), where
        assert not where.is_absolute_url or str(where).startswith(url), where
        half = len(photo) // 2
        first = api.put_bytes(f"{url}{where.path}", photo[:half])
        assert first.headers["upload-offset"] == str(half)
        assert api.put_bytes(f"{url}{where.path}", photo[half:], half).status_code == 204
        with api.stream("GET", "/events") as stream:
            news = events(stream)
            assert next(news)[0] == "snapshot"  # at once: nothing is buffered
            upload = where.path.rpartition("/")[2]
            made = api.post("/jobs", json={"upload": upload, "options": FAST})
            assert made.status_code == 201, made.text
            id = made.json()["id"]
            assert made.headers["location"] == f"{path}/api/v1/jobs/{id}"
            for name, job in news:
                if name == "job" and job["id"] == id and job["status"] == "done":
                    break
        part = api.get(f"/jobs/{id}/result", headers={"Range": "bytes=0-7"})
        assert (part.status_code, part.content) == (206, b"\x89PNG\r\n\x1a\n")


def test_the_clients_address_is_believed_from_the_proxy(
    tmp_path: Path, start: Callable[..., Live]
) -> None:
    live = start(trusted_proxies=("127.0.0.1",), sign_ins_per_minute=2, token="a" * 20)
    with nginx(tmp_path, live.url) as url:
        # Not the proxy's own address.
        transport = httpx.HTTPTransport(local_address="127.0.0.2")
        with httpx.Client(transport=transport, trust_env=False) as client:
            answers = [
                client.get(
                    f"{url}/api/v1/jobs",
                    headers={
                        "Authorization": "Bearer wrong",
                        # What a client claims itself comes first, and counts for nothing.
                        "X-Forwarded-For": f"203.0.113.{number}",
                    },
                ).status_code
                for number in range(4)
            ]
        assert answers == [401, 401, 429, 429]
