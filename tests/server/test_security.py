"""Who may do what, from where, and what browsers are told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from fastapi import Response
from pydantic import SecretStr

from crispen.server.http.app import create_app
from crispen.server.http.identity import COOKIE, Identity
from crispen.server.http.rates import Rate
from crispen.server.logs import JsonLines, TextLines
from crispen.server.services.models import Models
from crispen.server.settings import Settings

from .conftest import API, Api, Live, error_of

TOKEN = "correct horse battery"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def guarded(start: Callable[..., Live]) -> Live:
    return start(token=SecretStr(TOKEN))


def test_without_the_token_there_is_health_and_nothing_else(guarded: Live, photo: bytes) -> None:
    with guarded.client() as api:
        assert api.get("/health").status_code == 200
        assert api.get("/session").json() == {"needed": True, "signed_in": False}
        for path, item in guarded.app.openapi()["paths"].items():
            for method in item:
                where = path.replace("{id}", "0" * 32).replace("{uuid}", "0" * 32)
                if where in (f"{API}/health", f"{API}/session") or method == "options":
                    continue
                answer = api.request(method, guarded.url + where, content=photo)
                assert answer.status_code == 401, (method, path)
                assert answer.headers["www-authenticate"].startswith("Bearer")
        error_of(api.get("/jobs"), 401, "token_needed")
        error_of(api.get("/jobs", headers={"Authorization": "Bearer wrong"}), 401, "token_needed")
        error_of(
            api.get("/jobs", headers={"Authorization": BEARER["Authorization"][:-1]}),
            401,
            "token_needed",
        )
    assert guarded.leftovers() == []


def test_with_the_token(guarded: Live, photo: bytes) -> None:
    with guarded.client(headers=BEARER) as api:
        job = api.job(photo)
        assert [j["id"] for j in api.get("/jobs").json()["jobs"]] == [job["id"]]
        assert api.get(f"{guarded.url}/metrics").status_code == 200


def test_a_browser_signs_in_once(guarded: Live) -> None:
    with guarded.client() as api:
        error_of(api.post("/session", json={"token": "wrong"}), 401, "wrong_token")
        answer = api.post("/session", json={"token": TOKEN})
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert TOKEN not in cookie
        assert api.get("/jobs").status_code == 200
        assert api.get("/session").json() == {"needed": True, "signed_in": True}
        api.delete("/session")
        error_of(api.get("/jobs"), 401, "token_needed")


def test_sessions_end_with_their_token_and_cannot_be_made_up(tmp_path: Path) -> None:
    def identity(token: str, key: bytes = b"k") -> Identity:
        return Identity(Settings(folder=tmp_path, token=SecretStr(token)), key)

    made = Response()
    identity(TOKEN).sign_in(made, TOKEN)
    value = made.headers["set-cookie"].partition("=")[2].partition(";")[0]
    header = {"cookie": f"{COOKIE}={value}"}
    assert identity(TOKEN).look(header)[0]
    assert not identity("quite another token").look(header)[0]
    assert not identity(TOKEN, b"other").look(header)[0]
    id, ends, mark = value.split(".")
    for made_up in (f"{'0' * 32}.{ends}.{mark}", f"{id}.{int(ends) + 1}.{mark}", f"{id}.1.{mark}"):
        assert not identity(TOKEN).look({"cookie": f"{COOKIE}={made_up}"})[0]


def test_clients_are_kept_apart(start: Callable[..., Live], photo: bytes) -> None:
    live = start(separate_clients=True)
    with live.client() as mine, live.client() as theirs:
        mine.get("/settings")
        theirs.get("/settings")
        assert mine.cookies[COOKIE] != theirs.cookies[COOKIE]
        job = mine.job(photo)
        upload = mine.begin(9).headers["location"]
        assert theirs.get("/jobs").json() == {"jobs": [], "next": None}
        for method, path in (
            ("GET", ""),
            ("DELETE", ""),
            ("POST", "/cancel"),
            ("GET", "/source"),
            ("GET", "/result"),
            ("GET", "/events"),
            ("GET", "/preview/before"),
            ("GET", "/thumbnail/before"),
        ):
            error_of(theirs.request(method, f"/jobs/{job['id']}{path}"), 404, "not_found")
        error_of(theirs.post("/jobs", json={"upload": upload}), 404, "not_found")
        error_of(theirs.post("/jobs", json={"from_job": job["id"]}), 404, "not_found")
        error_of(theirs.put_bytes(upload, b"123456789"), 404, "not_found")
        assert mine.get(f"/jobs/{job['id']}").status_code == 200


@pytest.mark.parametrize(
    ("host", "good"),
    [
        ("localhost:8000", True),
        ("127.0.0.1", True),
        ("[::1]:8000", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example:8000", False),
        ("", False),
    ],
)
def test_names_that_point_at_this_machine_are_not_believed(api: Api, host: str, good: bool) -> None:
    answer = api.get("/health", headers={"Host": host})
    if good:
        assert answer.status_code == 200
    else:
        error_of(answer, 421, "wrong_host")


def test_listed_names(start: Callable[..., Live]) -> None:
    with start(allowed_hosts=("pictures.example",)).client() as api:
        assert api.get("/health", headers={"Host": "pictures.example:99"}).status_code == 200
        assert api.get("/health").status_code == 200  # this machine, by its address
        error_of(api.get("/health", headers={"Host": "other.example"}), 421, "wrong_host")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_pages_change_nothing(
    api: Api, live: Live, headers: dict[str, str], photo: bytes
) -> None:
    error_of(api.post("/enhance", content=photo, headers=headers), 403, "other_origin")
    error_of(api.delete(f"/jobs/{'0' * 32}", headers=headers), 403, "other_origin")
    assert live.leftovers() == []


def test_our_own_page_does(api: Api, live: Live) -> None:
    headers = {"Origin": live.url, "Sec-Fetch-Site": "same-origin"}
    error_of(api.delete(f"/jobs/{'0' * 32}", headers=headers), 404, "not_found")


def test_cors_is_off_unless_listed(api: Api, start: Callable[..., Live]) -> None:
    asked = {"Origin": "https://good.example", "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in api.options("/jobs", headers=asked).headers
    with start(cors_origins=("https://good.example",)).client() as other:
        answer = other.options("/jobs", headers=asked)
        assert answer.headers["access-control-allow-origin"] == "https://good.example"
        other_site = {**asked, "Origin": "https://evil.example"}
        answer = other.options("/jobs", headers=other_site)
        assert "access-control-allow-origin" not in answer.headers
        answer = other.get("/health", headers={"Origin": "https://good.example"})
        assert answer.headers["access-control-allow-origin"] == "https://good.example"


def test_what_browsers_are_told(api: Api, live: Live) -> None:
    for where in ("/", f"{API}/health", f"{API}/nothing", "/docs", "/openapi.json"):
        headers = api.get(live.url + where).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self';" in policy
        assert ("unsafe" in policy) == (where == "/docs")
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["x-request-id"]


def test_the_reference_needs_nothing_from_elsewhere(api: Api, live: Live) -> None:
    page = api.get(f"{live.url}/docs").text
    assert "http" not in page
    assert "<script>" not in page
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "start.js"):
        assert f"/docs/{name}" in page
        assert api.get(f"{live.url}/docs/{name}").status_code == 200
    assert api.get(f"{live.url}/docs/main.py").status_code == 404


def test_ids_of_requests(api: Api) -> None:
    assert (
        api.get("/health", headers={"X-Request-Id": "mine-1"}).headers["x-request-id"] == "mine-1"
    )
    forged = api.get("/health", headers={"X-Request-Id": "a b<script>"}).headers["x-request-id"]
    assert "<" not in forged


def test_a_rate(start: Callable[..., Live]) -> None:
    rate = Rate(60)
    assert [rate.wait_s("a", 0.0) for _ in range(60)] == [0.0] * 60
    assert rate.wait_s("a", 0.0) == pytest.approx(1.0)
    assert rate.wait_s("b", 0.0) == 0.0
    assert rate.wait_s("a", 1.01) == 0.0
    assert Rate(0).wait_s("a") == 0.0


def test_only_those_beyond_this_machine_are_slowed(
    start: Callable[..., Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    live = start(rate_per_minute=3)
    with live.client() as api:
        assert [api.get("/health").status_code for _ in range(5)] == [200] * 5
        # As if it came from another machine.
        monkeypatch.setattr("crispen.server.http.middleware.is_loopback", lambda address: False)
        assert [api.get("/health").status_code for _ in range(3)] == [200] * 3
        answer = api.get("/health")
        error_of(answer, 429, "too_many_requests")
        assert int(answer.headers["retry-after"]) >= 1


def test_what_is_unexpected_is_told_by_an_id(
    api: Api, live: Live, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(client: str) -> None:
        raise RuntimeError("a secret path")

    monkeypatch.setattr(live.services.models, "views", broken)
    with caplog.at_level(logging.ERROR, "crispen.server"):
        answer = api.get("/models")
    message = error_of(answer, 500, "unexpected")
    assert "secret" not in message
    assert answer.headers["x-request-id"] in message
    (record,) = [r for r in caplog.records if r.name == "crispen.server"]
    assert record.request_id == answer.headers["x-request-id"]  # type: ignore[attr-defined]
    assert "a secret path" in JsonLines().format(record)


def test_nobody_writes_lines_into_the_log() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 1, "GET /a\nb\x1b[2J %s", ("c",), None)
    assert "\n" not in TextLines().format(record)
    assert "\x1b" not in TextLines().format(record)
    assert "\n" not in JsonLines().format(record)


def test_metrics(api: Api, live: Live) -> None:
    api.get("/health")
    text = api.get(f"{live.url}/metrics").text
    assert "crispen_requests_total" in text
    assert "crispen_workers 1.0" in text
    assert "crispen_jobs_queued 0.0" in text
    # Paths of clients do not become names of series.
    api.get("/nothing-like-this")
    assert "nothing-like-this" not in api.get(f"{live.url}/metrics").text


def test_a_stop_is_answered_and_logs_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Uvicorn cancels what is still going on when its patience is over."""

    async def hang(self: Models, client: str, name: str, side: str) -> Path:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def ask() -> httpx.Response:
        app = create_app(Settings(folder=tmp_path, workers=0))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            asked = asyncio.create_task(client.get(f"{API}/models/photo-x2/sample/after"))
            await begun.wait()
            asked.cancel()
            return await asked

    begun = asyncio.Event()
    monkeypatch.setattr(Models, "sample", hang)
    assert "stopped" in error_of(asyncio.run(ask()), 503, "stopping")
