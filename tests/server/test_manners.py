"""What a careful client of an HTTP API counts on."""

from __future__ import annotations

import gzip
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from crispen.server.logs import TextLines
from crispen.server.settings import ELSEWHERE, Settings, misspelt

from .conftest import Api, Live, error_of

FAST = {"models": ["espcn"]}
TOKEN = "correct horse battery"
ROOT = Path(__file__).parents[2]


def test_a_form_field_that_is_not_known_is_refused(api: Api, live: Live, photo: bytes) -> None:
    for fields in ({"scale": "4"}, {"model": "espcn"}):
        answer = api.post("/enhance", files={"file": ("a.png", photo)}, data=fields)
        (name,) = fields
        assert f"'{name}'" in error_of(answer, 422, "bad_request")
    files = [("file", ("a.png", photo)), ("extra", ("b.png", photo))]
    assert "'extra'" in error_of(api.post("/enhance", files=files), 422, "bad_request")
    assert live.leftovers() == []


def test_head_says_what_get_would(api: Api, live: Live, photo: bytes) -> None:
    job = api.job(photo, **FAST)
    api.wait(job["id"])
    kept = ("content-type", "content-length", "etag", "content-disposition", "cache-control")
    for path in ("/health", "/jobs", f"/jobs/{job['id']}/result", "/models", "/jobs/" + "0" * 32):
        full, head = api.get(path), api.head(path)
        assert head.status_code == full.status_code
        assert head.content == b""
        for name in kept:
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
            f"/jobs/{job['id']}/source",
            "/models/espcn-x2/sample/before",
            f"{live.url}/",
            f"{live.url}/assets/a.js",
        ):
            first = api.get(path)
            again = api.get(path, headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
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


def test_a_job_says_where_it_is_and_whether_it_is_new(
    start: Callable[..., Live], photo: bytes
) -> None:
    with start().client() as api:
        uid = api.upload(photo)
        first = api.post("/jobs", json={"upload": uid})
        again = api.post("/jobs", json={"upload": uid})
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.headers["location"] == again.headers["location"] == f"/api/v1/jobs/{uid}"
        assert first.json() == again.json()
        assert api.get(f"/jobs/{first.headers['location'].rpartition('/')[2]}").json()["id"] == uid


def test_pages_of_jobs(start: Callable[..., Live], photo: bytes) -> None:
    with start().client() as api:
        source = api.job(photo)["id"]
        for _ in range(6):
            assert api.post("/jobs", json={"from_job": source}).status_code == 201
        everything = [job["id"] for job in api.get("/jobs").json()["jobs"]]
        seen, after = [], None
        while True:
            query = {"limit": 3} | ({} if after is None else {"after": after})
            page = api.get("/jobs", params=query).json()
            seen += [job["id"] for job in page["jobs"]]
            after = page["next"]
            if len(seen) == 3:  # what comes meanwhile moves nothing
                api.post("/jobs", json={"from_job": source})
            if after is None:
                break
        assert seen == everything
        error_of(api.get("/jobs", params={"after": "x"}), 422, "bad_request")


def test_many_at_once(start: Callable[..., Live], photo: bytes) -> None:
    live = start()
    with live.client() as api:
        first = api.job(photo)["id"]
        ids = [first] + [api.post("/jobs", json={"from_job": first}).json()["id"] for _ in range(3)]
        wish = {"action": "cancel", "ids": [*ids[:2], "0" * 32]}
        said = api.patch("/jobs", json=wish).json()
        assert said["done"] == ids[:2]
        assert [(f["id"], f["code"]) for f in said["failed"]] == [("0" * 32, "not_found")]
        said = api.patch("/jobs", json={"action": "delete", "status": ["cancelled"]}).json()
        assert sorted(said["done"]) == sorted(ids[:2])
        said = api.patch("/jobs", json={"action": "cancel", "status": ["queued"]}).json()
        assert sorted(said["done"]) == sorted(ids[2:])
        said = api.patch("/jobs", json={"action": "retry", "ids": ids[2:]}).json()
        assert said["done"] == ids[2:]
        assert [job["status"] for job in api.get("/jobs").json()["jobs"]] == ["queued"] * 2
        for wrong in ({"action": "delete"}, {"action": "delete", "ids": [], "status": ["done"]}):
            error_of(api.patch("/jobs", json=wrong), 422, "bad_request")


def test_nobody_changes_jobs_of_others_at_once(start: Callable[..., Live], photo: bytes) -> None:
    live = start(separate_clients=True)
    with live.client() as mine, live.client() as theirs:
        mine.get("/jobs")
        theirs.get("/jobs")
        job = mine.job(photo)["id"]
        said = theirs.patch("/jobs", json={"action": "delete", "ids": [job]}).json()
        assert [failure["code"] for failure in said["failed"]] == ["not_found"]
        wish = {"action": "cancel", "status": ["queued", "running"]}
        assert theirs.patch("/jobs", json=wish).json() == {"done": [], "failed": []}
        assert mine.get(f"/jobs/{job}").json()["status"] == "queued"


def test_what_is_not_possible_says_what_is(api: Api, live: Live) -> None:
    for method, path, allowed in (
        ("DELETE", "/jobs", "GET, HEAD, PATCH, POST"),
        ("POST", "/health", "GET, HEAD"),
        ("GET", "/uploads/", "OPTIONS, POST"),
        ("PUT", "/runs/a/b/samples/1.png", "GET, HEAD"),
    ):
        answer = api.request(method, path)
        error_of(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == allowed
    error_of(api.get("/nothing"), 404, "not_found")


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


def test_misspelt_settings_are_told(tmp_path: Path) -> None:
    assert misspelt(["CRISPEN_MAX_UPLOAD_BYTE", "HOME", "CRISPEN_HOST"]) == [
        "CRISPEN_MAX_UPLOAD_BYTE is no setting; did you mean CRISPEN_MAX_UPLOAD_BYTES?"
    ]
    done = subprocess.run(
        [sys.executable, "-m", "crispen", "serve", "--port", "1", "--folder", str(tmp_path)],
        env=os.environ | {"CRISPEN_TOKKEN": "x", "CRISPEN_HOST": "no.such.host.invalid"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "CRISPEN_TOKKEN is no setting; did you mean CRISPEN_TOKEN" in done.stderr


def test_every_name_that_the_program_reads_is_known() -> None:
    known = {f"CRISPEN_{name.upper()}" for name in Settings.model_fields} | ELSEWHERE
    read = re.compile(r"""["'](CRISPEN_[A-Z]+(?:_[A-Z]+)*)["']|env\.(CRISPEN_[A-Z_]+)""")
    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "web").glob("*.ts")]
    for file in files:
        if file.name == "settings.py":  # an example of a misspelt one
            continue
        for first, second in read.findall(file.read_text(encoding="utf-8")):
            assert (first or second) in known, file


@pytest.mark.parametrize("peer", ["192.0.2.7", None])
def test_the_log_says_who_asked(peer: str | None) -> None:
    record = logging.LogRecord("x", logging.INFO, "", 1, "GET /a 200", (), None)
    record.peer = peer
    assert TextLines().format(record).endswith(f"GET /a 200 {peer}" if peer else "GET /a 200")
