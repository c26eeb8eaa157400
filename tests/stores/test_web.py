"""Files of the web, from a server that cuts its answers off."""

from __future__ import annotations

import os

import pytest

from crispen.errors import InputError, MissingInput, UsageError
from crispen.progress import Progress
from crispen.stores import trying
from crispen.stores.address import parse
from crispen.stores.web import WebStore


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(trying, "_FIRST_WAIT_S", 0.01)


@pytest.fixture
def content(web):
    web.files["/in/a.jpg"] = os.urandom(500_000)
    return web.files["/in/a.jpg"]


def test_a_file(web, content, tmp_path):
    store = WebStore(parse(web.url("/in/a.jpg?sig=SECRET")))
    entry = store.find("a.jpg", Progress())
    assert (entry.name, entry.size) == ("a.jpg", 500_000)
    assert entry.version
    assert store.of(entry) == web.url("/in/a.jpg")
    assert store.start("a.jpg", 10, Progress()) == content[:10]
    store.fetch(entry, tmp_path / "a", Progress())
    assert (tmp_path / "a").read_bytes() == content
    assert os.listdir(tmp_path) == ["a"]


def test_what_was_cut_off_is_continued(web, content, tmp_path):
    web.cuts += [100_000, 200_000]
    store = WebStore(parse(web.url("/in/a.jpg")))
    store.fetch(store.find("a.jpg", Progress()), tmp_path / "a", Progress())
    assert (tmp_path / "a").read_bytes() == content
    starts = [wanted for method, _, wanted in web.asked if method == "GET"]
    assert starts[0] is None
    assert all(wanted and not wanted.startswith("bytes=0-") for wanted in starts[1:])


def test_a_server_that_sends_no_parts(web, content, tmp_path):
    web.ranges = False
    web.cuts += [100_000]
    store = WebStore(parse(web.url("/in/a.jpg")))
    assert store.start("a.jpg", 10, Progress())[:10] == content[:10]
    store.fetch(store.find("a.jpg", Progress()), tmp_path / "a", Progress())
    assert (tmp_path / "a").read_bytes() == content


def test_a_server_that_is_busy_is_asked_again(web, content, tmp_path):
    web.statuses += [503, 429]
    store = WebStore(parse(web.url("/in/a.jpg")))
    store.fetch(store.find("a.jpg", Progress()), tmp_path / "a", Progress())
    assert (tmp_path / "a").read_bytes() == content


def test_a_server_that_always_cuts_is_one_line_without_the_signature(web, content, tmp_path):
    web.cuts += [10_000] * 99
    web.ranges = False
    store = WebStore(parse(web.url("/in/a.jpg?sig=SECRET")))
    entry = store.find("a.jpg", Progress())
    with pytest.raises(
        InputError, match=r"a\.jpg: cannot be read after 4 tries: the connection was closed"
    ) as told:
        store.fetch(entry, tmp_path / "a", Progress())
    assert "SECRET" not in str(told.value)
    assert "\n" not in str(told.value)
    assert not (tmp_path / "a").exists()


def test_what_is_not_there(web):
    with pytest.raises(MissingInput, match="the server has no such file"):
        WebStore(parse(web.url("/none.jpg"))).find("none.jpg", Progress())
    assert len(web.asked) == 1


def test_nobody_there_is_told_without_the_signature(web):
    port = web.port
    store = WebStore(
        parse(f"http://127.0.0.1:{port + 1 if port < 65535 else port - 1}/a.jpg?sig=SECRET")
    )
    with pytest.raises(InputError, match="the server cannot be reached") as told:
        store.find("a.jpg", Progress())
    assert "SECRET" not in str(told.value)


def test_the_web_has_no_folders(web):
    store = WebStore(parse(web.url("/in/")))
    with pytest.raises(UsageError, match="name each file"):
        store.files(recursive=True, progress=Progress())
    assert store.find("", Progress()) is None
