"""Files as responses: parts, names of downloads, archives."""

from __future__ import annotations

import asyncio
import io
import zipfile
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import Response

from crispen.server.http.errors import add_handlers
from crispen.server.http.file_responses import SentOnce, job_file, zip_archive
from crispen.server.services.files import JobFile

CONTENT = bytes(range(100))


class Client:
    """Asks an app in this process."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.get(path, headers=headers)

        return asyncio.run(ask())


@pytest.fixture
def deleted() -> list[str]:
    return []


@pytest.fixture
def client(tmp_path: Path, deleted: list[str]) -> Client:
    path = tmp_path / "result.png"
    path.write_bytes(CONTENT)
    app = FastAPI()
    add_handlers(app)

    @app.get("/file")
    def file() -> Response:
        return job_file(JobFile(path, "image/png", "über uns.png"))

    @app.get("/inline")
    def inline() -> Response:
        return job_file(JobFile(path, "image/png"))

    @app.get("/zip")
    def archive() -> Response:
        return zip_archive([("a.png", path), ("b/c.png", path)])

    @app.get("/once")
    def once() -> Response:
        async def delete() -> None:
            deleted.append("once")

        return SentOnce(JobFile(path, "image/png", "a.png"), {"Server-Timing": "x"}, delete)

    return Client(app)


def test_a_download_has_its_name_and_runs_no_script(client: Client) -> None:
    answer = client.get("/file")
    assert answer.content == CONTENT
    assert "filename*=UTF-8''%C3%BCber%20uns.png" in answer.headers["content-disposition"]
    assert "sandbox" in answer.headers["content-security-policy"]
    assert client.get("/inline").headers["content-disposition"] == "inline"


@pytest.mark.parametrize(
    ("range", "status", "content"),
    [
        ("bytes=10-19", 206, CONTENT[10:20]),
        ("bytes=90-", 206, CONTENT[90:]),
        ("bytes=-5", 206, CONTENT[-5:]),
        ("pages=1-2", 200, CONTENT),
        ("nonsense", 200, CONTENT),
    ],
)
def test_parts(client: Client, range: str, status: int, content: bytes) -> None:
    answer = client.get("/file", headers={"Range": range})
    assert (answer.status_code, answer.content) == (status, content)


def test_a_part_behind_the_end_has_the_one_error_body(client: Client) -> None:
    answer = client.get("/file", headers={"Range": "bytes=100-"})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == "bytes */100"
    assert answer.json()["error"]["code"] == "range_not_satisfiable"


def test_an_archive_says_how_long_it_is(client: Client) -> None:
    answer = client.get("/zip")
    assert int(answer.headers["content-length"]) == len(answer.content)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["a.png", "b/c.png"]
        assert archive.read("b/c.png") == CONTENT


def test_what_is_sent_once_is_deleted_afterwards(client: Client, deleted: list[str]) -> None:
    answer = client.get("/once")
    assert answer.content == CONTENT
    assert answer.headers["server-timing"] == "x"
    assert answer.headers["content-disposition"].startswith("inline")
    assert deleted == ["once"]
