"""What a careful client of an HTTP API counts on."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

from ..conftest import Api, Live

FAST = {"models": ["espcn"]}


def test_head_says_what_get_would(api: Api, live: Live, photo: bytes) -> None:
    job = api.job(photo, **FAST)
    api.wait(job["id"])
    kept = ("content-type", "content-length", "etag", "content-disposition", "cache-control")
    for path in ("/health", "/jobs", f"/jobs/{job['id']}/result", "/models", "/jobs/" + "0" * 32):
        full, head = api.get(path), api.head(path)
        assert head.status_code == full.status_code
        assert head.content == b""
        for name in kept:
            # How long a server has been up is another number each time.
            if (path, name) == ("/health", "etag"):
                continue
            assert head.headers.get(name) == full.headers.get(name), (path, name)
    assert api.head(f"{live.url}/docs").status_code == 200
    # A stream that would never end.
    answer = api.head("/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert not live.app.state.streams.full("127.0.0.1")


def test_what_a_client_has_is_not_sent_again(
    start: Callable[..., Live], tmp_path: Path, photo: bytes
) -> None:
    (tmp_path / "page" / "assets").mkdir(parents=True)
    (tmp_path / "page" / "index.html").write_text("<!doctype html>" + "x" * 2000)
    (tmp_path / "page" / "assets" / "a.js").write_text("export {}" * 500)
    live = start()
    with live.client() as api:
        job = api.job(photo)
        for path in (
            "/settings",
            "/models",
            "/jobs",
            f"/jobs/{job['id']}",
            f"/jobs/{job['id']}/source",
            "/models/espcn-x2/sample/before",
            f"{live.url}/",
            f"{live.url}/assets/a.js",
        ):
            first = api.get(path)
            tag = first.headers["etag"].removeprefix("W/")
            again = api.get(path, headers={"If-None-Match": f'"other", W/{tag}'})
            assert (again.status_code, again.content) == (304, b""), path
            assert again.headers["etag"] == first.headers["etag"]
            assert api.get(path, headers={"If-None-Match": '"other"'}).content == first.content


def test_the_page_is_compressed_and_pictures_are_not(
    start: Callable[..., Live], tmp_path: Path, photo: bytes
) -> None:
    (tmp_path / "page" / "assets").mkdir(parents=True)
    (tmp_path / "page" / "index.html").write_text("<!doctype html>")
    script = "export {}" * 500
    (tmp_path / "page" / "assets" / "a.js").write_text(script)
    live = start()
    with live.client() as api:
        with api.stream("GET", f"{live.url}/assets/a.js") as answer:
            raw = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == "gzip"
        assert "accept-encoding" in answer.headers["vary"].lower()
        assert gzip.decompress(raw).decode() == script
        assert len(raw) < len(script) / 3
        plain = api.get(f"{live.url}/assets/a.js", headers={"Accept-Encoding": "identity"})
        assert plain.text == script
        assert "content-encoding" not in plain.headers
        job = api.job(photo)
        assert "content-encoding" not in api.get(f"/jobs/{job['id']}/source").headers
        assert "content-encoding" not in api.get("/settings").headers
