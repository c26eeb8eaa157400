"""The app of ``crispen play``: its page, its stream, and what it refuses."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import av
import httpx
import pytest
import uvicorn

from crispen.enhance.request import ask
from crispen.enhance.video.live import LIVE, open_live
from crispen.server.http.player import create_player
from crispen.server.http.serving import open_socket
from crispen.server.services.playing import Playing

from ...enhance.video.clips import MODEL, make_clip


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    path = make_clip(tmp_path / "clip.mp4", audio=[("aac", 0, 0.4)])
    request, at_hand = ask(MODEL, **LIVE)
    with open_live(path, request, at_hand, device="cpu", threads=1) as clip:
        app = create_player(Playing(clip, "clip.mp4"), "/secret")
        listener = open_socket("127.0.0.1", 0)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            yield client
        server.should_exit = True
        thread.join()
        listener.close()


def test_the_page_may_run_its_own_script_and_no_other(client: httpx.Client) -> None:
    said = client.get("/secret/")
    assert said.status_code == 200
    assert said.headers["content-type"].startswith("text/html")
    assert said.headers["cache-control"] == "no-store"
    policy = said.headers["content-security-policy"]
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        [text] = re.findall(rf"<{tag}>(.*?)</{tag}>", said.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    # Nothing comes from elsewhere.
    assert not re.findall(r"https?://", said.text)


def test_the_stream_is_a_video_that_can_be_decoded(client: httpx.Client) -> None:
    assert client.get("/secret/clip").json()["size"] == [96, 64]
    said = client.get("/secret/stream", params={"start": "0.2", "viewer": "a"})
    assert said.status_code == 200
    assert said.headers["content-type"] == "video/mp4"
    assert "content-length" not in said.headers
    with av.open(io.BytesIO(said.content)) as file:
        assert len([*file.decode(video=0)]) == 7
        assert file.streams.audio
    status = client.get("/secret/status", params={"viewer": "a", "position": "nan"}).json()
    assert (status["enhanced"], status["share"]) == (7, 1.0)


def test_a_position_without_frames_says_so(client: httpx.Client) -> None:
    said = client.get("/secret/stream", params={"start": "9", "viewer": "a"})
    assert said.status_code == 422
    assert "ends at 0.480 s" in said.json()["error"]["message"]
    assert "ends at 0.480 s" in client.get("/secret/status?viewer=a").json()["error"]


@pytest.mark.parametrize(
    "path", ["/", "/secret", "/stream", "/clip", "/secret/x", "/secreT/", "/other/stream"]
)
def test_all_other_paths_are_unknown(client: httpx.Client, path: str) -> None:
    said = client.get(path)
    assert said.status_code == 404
    assert said.headers["x-content-type-options"] == "nosniff"


def test_it_does_not_answer_to_foreign_names(client: httpx.Client) -> None:
    for host in ("evil.example", "evil.example:8000", "10.0.0.1", ""):
        said = client.get("/secret/", headers={"host": host})
        assert said.status_code == 421
        assert said.json()["error"]["code"] == "wrong_host"
    for host in ("localhost:8000", "127.0.0.1", "[::1]:8000"):
        assert client.get("/secret/", headers={"host": host}).status_code == 200
    assert client.post("/secret/status").status_code == 405
