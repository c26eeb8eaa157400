"""Downloads: checked, cancelled, and never left in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from crispen.engines.adding import add
from crispen.errors import Cancelled, ModelError, UsageError
from crispen.models.store import find
from crispen.progress import Event, Progress

from .models_of_others import DIGEST, GOOD, own_folder, serving

NO_DIGEST = "0" * 64


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """The user's folder of this test."""
    return own_folder(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving() as address:
        yield address


def test_a_url_is_fetched_and_checked(server):
    events: list[Event] = []
    digest = DIGEST.upper()
    card = add(f"{server}/good.onnx", name="net", sha256=digest, progress=Progress(events.append))
    assert find("net")[1] == card
    assert events[-1].done == len(GOOD)
    assert events[-1].unit == "bytes"


def test_a_file_url_is_read(tmp_path):
    source = tmp_path / "p.onnx"
    source.write_bytes(GOOD)
    assert add(source.as_uri(), name="net", sha256=DIGEST).scale == 2


def test_a_url_needs_its_hash(server, folder):
    with pytest.raises(UsageError, match=r"good\.onnx: a URL needs --sha256"):
        add(f"{server}/good.onnx", name="net")
    assert not folder.exists()


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("missing.onnx", "404"),
        ("cut.onnx", "cut off after 1000 of"),
        ("good.onnx", "SHA-256 is"),
    ],
)
def test_bad_downloads_leave_nothing(server, page, message, folder):
    with pytest.raises(ModelError, match=message):
        add(f"{server}/{page}", name="net", sha256=NO_DIGEST)
    assert not folder.exists() or list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/x.onnx", "gopher://127.0.0.1/x", "data://text/plain,x"]
)
def test_other_schemes_are_refused(url):
    with pytest.raises(UsageError, match="only http"):
        add(url)


def test_a_server_that_is_not_there():
    with pytest.raises(ModelError, match="cannot be fetched"):
        add("http://127.0.0.1:1/x.onnx", sha256=NO_DIGEST)
    with pytest.raises(ModelError, match="cannot be fetched"):
        add("file:///no/such/file.onnx", sha256=NO_DIGEST)


def test_a_download_can_be_cancelled(server, folder):
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        add(f"{server}/good.onnx", name="net", sha256=DIGEST, progress=progress)
    assert not folder.exists() or list(folder.iterdir()) == []
