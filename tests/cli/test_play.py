"""``crispen play`` as a process, as a browser and a person see it."""

from __future__ import annotations

import importlib
import io
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import av
import httpx
import pytest

from ..enhance.video.clips import MODEL, make_clip
from ..players import Player
from .conftest import Crispen

TALLY = re.compile(r"(\d+) frames enhanced, (\d+) bicubic, (\d+) dropped")


def test_it_serves_an_enhanced_stream_until_ctrl_c(
    tmp_path: Path, play: Callable[..., Player]
) -> None:
    clip = make_clip(tmp_path / "clip.mp4", audio=[("aac", 0, 0.4)])
    player = play(clip, "--size", "120x60")
    assert player.summary == f"{clip}: 48x32 to 90x60 by {MODEL}"
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{20,}/", player.url)
    assert player.http.get("").status_code == 200
    with av.open(io.BytesIO(player.http.get("stream").content)) as file:
        frames = [*file.decode(video=0)]
    assert [(f.width, f.height) for f in frames] == [(90, 60)] * 12
    host = httpx.URL(player.url).host
    port = httpx.URL(player.url).port
    assert player.http.get(f"http://{host}:{port}/").status_code == 404
    assert player.http.get("", headers={"host": "evil.example"}).status_code == 421
    code, out, err = player.stop()
    assert (code, err) == (0, "")
    assert out == "12 frames enhanced, 0 bicubic, 0 dropped\n"


def test_the_work_stops_with_its_viewer(tmp_path: Path, play: Callable[..., Player]) -> None:
    clip = make_clip(tmp_path / "long.mp4", range(0, 1500 * 512, 512), size=(16, 16))
    player = play(clip)
    with player.http.stream("GET", "stream", params={"viewer": "a"}) as stream:
        assert next(stream.iter_raw())
    time.sleep(0.5)
    before = player.status("a")
    time.sleep(1.5)  # in which more than 25 frames would have been played
    assert player.status("a") == before
    # The server does not wait for a viewer either.
    with player.http.stream("GET", "stream", params={"viewer": "b"}) as stream:
        assert next(stream.iter_raw())
        began = time.monotonic()
        code, out, _ = player.stop(signal.SIGTERM)
    assert code == 0
    assert time.monotonic() - began < 4
    found = TALLY.search(out)
    assert found is not None
    assert int(found[1]) >= 50  # at least a second of each


def test_what_cannot_be_played(crispen: Crispen, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    for words, text in [
        (["none.mp4"], "no such file"),
        ([clip, "--start", "9"], "ends at 0.480 s"),
        ([clip, "--start", "soon"], "soon"),
        ([clip, "--model", "nothing"], "nothing"),
        ([clip, "--model", MODEL, "--scale", "2", "--size", "100x100"], "size"),
    ]:
        model = [] if "--model" in words else ["--model", MODEL]
        said = crispen("play", *words, *model, "--no-open")
        assert said.code in (1, 2)
        assert text in said.err
        assert len(said.err.splitlines()) == 1


def test_without_the_extra_it_says_how_to_install_it(
    crispen: Crispen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Importing a room binds it to its package too, so that has to be put back as well.
    server = importlib.import_module("crispen.server")
    monkeypatch.setattr(server, "http", getattr(server, "http", None), raising=False)
    for name in [n for n in sys.modules if n.startswith("crispen.server.http")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    said = crispen("play", make_clip(tmp_path / "clip.mp4"))
    assert "pip install 'crispen[server]'" in said.err


def test_it_opens_the_browser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    module = importlib.import_module("crispen.cli.play")
    module._ready("http://127.0.0.1:1/a/", True)
    module._ready("http://127.0.0.1:1/b/", False)
    assert opened == ["http://127.0.0.1:1/a/"]
    assert "http://127.0.0.1:1/b/" in capsys.readouterr().out
