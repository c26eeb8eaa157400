"""Public sets come whole from a server, or not at all; the server here is on this machine."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import socket
import tarfile
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crispen.downloads import Resuming
from crispen.errors import InputError, MissingInput, OutputError, UsageError
from crispen.lab.data import NamedTable, open_batches
from crispen.lab.data.catalogue import SETS, PublicSet
from crispen.lab.data.fetching import fetch, is_here
from crispen.media.image import Image
from crispen.progress import Event, Progress

from ...http_servers import running

CHUNK = 1 << 16


@dataclass
class Server:
    """What it serves, how badly, and what it was asked."""

    url: str = ""
    content: bytes = b""
    etag: str = '"one"'
    status: int = 200
    cut_at: list[int] = field(default_factory=list)
    """Bytes after which an answer breaks off, by request; then it sends all."""
    ranges: list[str | None] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers["Range"]
            state.ranges.append(asked)
            if state.status != 200:
                self.send_error(state.status)
                return
            begin = 0
            if asked and self.headers["If-Range"] == state.etag:
                begin = int(asked.removeprefix("bytes=").rstrip("-"))
                if begin >= len(state.content):
                    self.send_error(416)
                    return
            body = state.content[begin:]
            self.send_response(206 if begin else 200)
            self.send_header("Content-Length", str(len(body)))
            if state.etag:
                self.send_header("ETag", state.etag)
            self.end_headers()
            self.wfile.write(body[: state.cut_at.pop(0)] if state.cut_at else body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    with running(Handler) as state.url:
        yield state


def png(seed: int) -> bytes:
    target = io.BytesIO()
    rgb = np.random.default_rng(seed).integers(0, 256, (200, 250, 3), np.uint8)
    from crispen.media.image import write_image

    write_image(Image(rgb), target, format="png")
    return target.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def tarred(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def serve(
    monkeypatch: pytest.MonkeyPatch,
    server: Server,
    content: bytes,
    *,
    known: bool = True,
    **more: Any,
) -> None:
    """Makes ``div2k-valid`` a set of that server."""
    server.content = content
    given: dict[str, Any] = {
        "title": "a set",
        "url": f"{server.url}/pictures.zip",
        "archive": "pictures.zip",
        "size_mb": 1,
        "sha256": hashlib.sha256(content).hexdigest() if known else "",
        "licence": "CC0",
        "train": ("photos/train",),
        "held_out": ("photos/held",),
    }
    monkeypatch.setitem(SETS, "div2k-valid", PublicSet(**given | more))


def photos() -> dict[str, bytes]:
    return {"photos/train/a.png": png(1), "photos/train/b.png": png(2), "photos/held/c.png": png(3)}


def left(cache: Path) -> list[str]:
    return sorted(f.name for f in cache.iterdir() if f.suffix != ".lock")


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_set_is_fetched_once(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch, pack: Any
) -> None:
    serve(monkeypatch, server, pack(photos()))
    events: list[Event] = []
    assert not is_here("div2k-valid")
    batches = open_batches(
        NamedTable(name="div2k-valid", patch=16), seed=0, progress=Progress(events.append)
    )
    assert (len(batches.split["train"]), len(batches.split["valid"])) == (2, 1)
    assert batches.licence == "CC0"
    assert batches.batch(0, 16).target.shape == (16, 1, 16, 16)
    assert max(e.done for e in events if e.unit == "bytes") == len(server.content)
    again = fetch("div2k-valid")
    assert again == cache / "div2k-valid"
    assert server.ranges == [None]
    assert left(cache) == ["div2k-valid"]


def test_of_several_processes_one_fetches(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, server, zipped(photos()))
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: fetch("div2k-valid"), range(4))) == {cache / "div2k-valid"}
    assert server.ranges == [None]


def test_an_interrupted_download_goes_on(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = zipped(photos())
    serve(monkeypatch, server, content)
    server.cut_at = [2 * CHUNK + 9, CHUNK]
    path = fetch("div2k-valid")
    assert server.ranges == [None, f"bytes={2 * CHUNK}-", f"bytes={3 * CHUNK}-"]
    assert (path / "photos/train/a.png").read_bytes() == png(1)
    assert left(cache) == ["div2k-valid"]


def test_one_that_stays_interrupted_goes_on_next_time(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, server, zipped(photos()))
    server.cut_at = [CHUNK, CHUNK, 10]
    with pytest.raises(InputError, match=r"cut off.*what came is kept; try again"):
        fetch("div2k-valid")
    assert left(cache) == ["pictures.zip.part", "pictures.zip.part.etag"]
    assert fetch("div2k-valid").is_dir()
    assert server.ranges[-1] == f"bytes={2 * CHUNK}-"
    assert left(cache) == ["div2k-valid"]


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_without_a_firm_mark_it_begins_anew(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch, etag: str
) -> None:
    serve(monkeypatch, server, zipped(photos()))
    server.etag, server.cut_at = etag, [CHUNK]
    fetch("div2k-valid")
    assert server.ranges == [None, None]


def test_another_version_begins_anew(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, server, zipped(photos()), known=False)
    server.cut_at = [CHUNK, 0, 0]
    with pytest.raises(InputError, match="cut off"):
        fetch("div2k-valid")
    server.etag, server.content = '"two"', zipped({"photos/train/new.png": png(9)})
    assert (fetch("div2k-valid") / "photos/train/new.png").read_bytes() == png(9)


def test_a_part_that_is_too_long_begins_anew(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.content = b"0123456789"
    part = tmp_path / "x.part"
    part.write_bytes(b"0123456789")
    (tmp_path / "x.part.etag").write_text(server.etag)
    Resuming(part, Progress())(f"{server.url}/x", str(tmp_path / "x"), None)
    assert (tmp_path / "x").read_bytes() == server.content
    assert server.ranges == ["bytes=10-", None]
    assert [f.name for f in tmp_path.iterdir()] == ["x"]


def test_a_damaged_download_is_not_kept(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = zipped(photos())
    serve(monkeypatch, server, content)
    server.content = content[:-1] + b"!"
    with pytest.raises(InputError, match="has not the SHA-256") as told:
        fetch("div2k-valid")
    assert "\n" not in str(told.value)
    assert left(cache) == []
    server.content = content
    assert fetch("div2k-valid").is_dir()


@pytest.mark.parametrize(
    ("status", "told"), [(404, "answers 404 Not Found"), (500, "answers 500 Internal Server Error")]
)
def test_a_servers_errors_are_told(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch, status: int, told: str
) -> None:
    serve(monkeypatch, server, b"")
    server.status = status
    with pytest.raises(InputError, match=f"{told}; try again later, or download") as error:
        fetch("div2k-valid")
    assert str(cache / "pictures.zip") in str(error.value)
    assert left(cache) == []


def test_no_network(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/x.zip"
    serve(monkeypatch, server, b"", url=closed)
    with pytest.raises(InputError, match="cannot be reached; check the network"):
        fetch("div2k-valid")
    assert left(cache) == []


def test_a_file_put_there_by_hand_is_taken(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, server, zipped(photos()))
    (cache / "pictures.zip").write_bytes(server.content)
    assert fetch("div2k-valid").is_dir()
    assert server.ranges == []


def test_a_set_without_a_checksum_gets_one_at_its_first_download(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    serve(monkeypatch, server, zipped(photos()), known=False)
    shutil.rmtree(fetch("div2k-valid"))
    expected = {"pictures.zip": hashlib.sha256(server.content).hexdigest()}
    assert json.loads((cache / "checksums.json").read_text()) == expected
    server.content, server.etag = zipped({"photos/train/new.png": png(9)}), '"two"'
    with pytest.raises(InputError, match=f"has not the SHA-256 {expected['pictures.zip']}"):
        fetch("div2k-valid")


@pytest.mark.parametrize("content", [b"<html>sign in</html>", zipped(photos())[:-30]])
def test_what_cannot_be_unpacked_is_told(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    serve(monkeypatch, server, content)
    with pytest.raises(InputError, match="cannot be unpacked"):
        fetch("div2k-valid")
    assert "div2k-valid" not in left(cache)


def test_an_archive_cannot_write_elsewhere(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, server, tarred({"../../evil.txt": b"x"}))
    with pytest.raises(InputError, match="cannot be unpacked"):
        fetch("div2k-valid")
    assert not list(cache.parent.rglob("evil.txt"))


def test_a_cache_that_cannot_be_made_is_told(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, server, zipped(photos()))
    (tmp_path / "file").touch()
    monkeypatch.setenv("CRISPEN_DATA", str(tmp_path / "file" / "cache"))
    with pytest.raises(OutputError, match="choose another folder with CRISPEN_DATA"):
        fetch("div2k-valid")


def test_a_set_that_lacks_a_folder_is_told(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, server, zipped({"else.txt": b"x"}))
    with pytest.raises(InputError, match="photos/train is missing"):
        open_batches(NamedTable(name="div2k-valid"), seed=0)


def test_where_an_account_is_needed_it_says_what_to_do(cache: Path) -> None:
    with pytest.raises(MissingInput, match="Kaggle asks for an account: sign in") as told:
        fetch("unsplash-pairs")
    assert SETS["unsplash-pairs"].url in str(told.value)
    assert str(cache / "unsplash-pairs.zip") in str(told.value)


@pytest.mark.parametrize("unpacked", [True, False])
def test_pairs_of_an_account_put_there_by_hand(cache: Path, unpacked: bool) -> None:
    outer = "Image Super Resolution - Unsplash/"
    rows = "low_res,high_res\n" + "".join(f"{i}_2.jpg,{i}.jpg\n" for i in range(3))
    files = {f"{outer}low res/{i}_2.jpg": png(i) for i in range(3)}
    files |= {f"{outer}high res/{i}.jpg": png(i) for i in range(3)}
    content = zipped(files | {f"{outer}image_data.csv": rows.encode()})
    (cache / "unsplash-pairs.zip").write_bytes(content)
    if unpacked:
        (cache / "unsplash-pairs.zip").unlink()
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            archive.extractall(cache)
        (cache / outer).rename(cache / "unsplash-pairs")
    batches = open_batches(NamedTable(name="unsplash-pairs", patch=16), seed=0, scale=1)
    batch = batches.batch(0, 16)
    assert batch.input is not None
    assert (batch.input == batch.target).all()
    assert batches.licence == "Unsplash License"


def test_cifar_has_a_kind_of_its_own() -> None:
    with pytest.raises(UsageError, match='set kind = "cifar10"'):
        open_batches(NamedTable(name="cifar10"), seed=0)
