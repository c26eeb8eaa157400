"""Who may do what, from where, and what browsers are told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from crispen.server.http.app import create_app
from crispen.server.services.models import Models
from crispen.server.settings import Settings

from ..conftest import API, Api, Live, error_of


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


TOKEN = "correct horse battery"


@pytest.mark.parametrize("cut_off", [True, False], ids=["proxy cuts it off", "proxy leaves it"])
def test_below_a_path_of_a_proxy(
    start: Callable[..., Live], tmp_path: Path, photo: bytes, cut_off: bool
) -> None:
    page = tmp_path / "page"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text(
        '<!doctype html><html><head><script src="/assets/a.js"></script></head></html>'
    )
    (page / "assets" / "a.js").write_text("export {}")
    live = start(root_path="/sub", token=SecretStr(TOKEN), separate_clients=True)
    top = live.url if cut_off else f"{live.url}/sub"
    good = {"Authorization": f"Bearer {TOKEN}"}
    with Api(top) as stranger:
        for path in ("/jobs", f"{top}/metrics"):  # no path gets round the token
            error_of(stranger.get(path), 401, "token_needed")
        cookie = stranger.post("/session", json={"token": TOKEN}).headers["set-cookie"]
        assert "Path=/sub;" in cookie
    with Api(top, headers=good) as api:
        text = api.get(f"{top}/models").text
        assert 'src="/sub/assets/a.js"' in text
        assert 'name="crispen-root" content="/sub"' in text
        assert api.get(f"{top}/index.html").text == text
        assert api.get(f"{top}/assets/a.js").text == "export {}"
        assert '"/sub/openapi.json"' in api.get(f"{top}/docs/start.js").text
        assert api.get("/settings").json()["tus_url"] == "/sub/api/v1/uploads/"
        begun = api.begin(len(photo)).headers["location"]
        assert begun.startswith(f"{live.url}/sub/api/v1/uploads/")
        uid = begun.rpartition("/")[2]
        assert api.put_bytes(f"/uploads/{uid}", photo).status_code == 204
        made = api.post("/jobs", json={"upload": begun})
        assert made.headers["location"] == f"/sub/api/v1/jobs/{uid}"
        error_of(api.delete("/settings"), 405, "method_not_allowed")
