"""The built page, and what is answered without it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..conftest import Live


def test_the_page(start: Callable[..., Live], tmp_path: Path) -> None:
    page = tmp_path / "page"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><title>page</title>")
    (page / "assets" / "index-abc123.js").write_text("export {}")
    (tmp_path / "secret.txt").write_text("no")
    live = start()
    with live.client() as api:
        for view in ("/", "/models", "/compare/12"):
            answer = api.get(live.url + view)
            assert answer.text.endswith("<title>page</title>")
            assert answer.headers["cache-control"] == "no-cache"
            assert answer.headers["content-type"].startswith("text/html")
        script = api.get(f"{live.url}/assets/index-abc123.js")
        assert "immutable" in script.headers["cache-control"]
        assert script.headers["content-type"].startswith("text/javascript")
        for path in ("/assets/gone.js", "/..%2fsecret.txt", "/%2e%2e/secret.txt", "/api/v2/x"):
            assert api.get(live.url + path).status_code == 404


def test_a_page_that_is_not_built(start: Callable[..., Live]) -> None:
    live = start()
    with live.client() as api:
        answer = api.get(f"{live.url}/")
        assert "make page" in answer.text
        assert answer.headers["content-type"].startswith("text/plain")
