"""Object stores and other machines: against an S3 server and an SFTP server, also broken ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from crispen.errors import InputError, MissingExtra, MissingInput, OutputError
from crispen.progress import Progress
from crispen.stores import remote, trying
from crispen.stores.address import parse
from crispen.stores.remote import RemoteStore

from ..store_servers import proxy


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Waits between tries are short."""
    monkeypatch.setattr(trying, "_FIRST_WAIT_S", 0.01)


@pytest.fixture(params=["s3", "sftp"])
def place(request):
    """An empty folder in a store."""
    if request.param == "s3":
        request.getfixturevalue("s3")
        return "s3://pictures/in/"
    port, folder = request.getfixturevalue("sftp")
    (folder / "in").mkdir()
    return f"sftp://me@127.0.0.1:{port}/in/"


def filled(place: str, tmp_path: Path, *names: str, size: int = 1000) -> RemoteStore:
    store = RemoteStore(parse(place))
    (tmp_path / "content").write_bytes(os.urandom(size))
    for name in names:
        store.put(tmp_path / "content", name, overwrite=False, progress=Progress())
    return store


def test_files_come_back_as_they_were_put(place, tmp_path):
    store = filled(place, tmp_path, "a.jpg", "deep/er/b c#é.jpg", ".hidden", size=20_000_000)
    found = {e.name: e for e in store.files(recursive=True, progress=Progress())}
    assert sorted(found) == ["a.jpg", "deep/er/b c#é.jpg"]
    assert [e.name for e in store.files(recursive=False, progress=Progress())] == ["a.jpg"]
    entry = store.find("deep/er/b c#é.jpg", Progress())
    assert entry == found["deep/er/b c#é.jpg"]
    assert entry.size == 20_000_000
    assert entry.version
    store.fetch(entry, tmp_path / "back", Progress())
    assert (tmp_path / "back").read_bytes() == (tmp_path / "content").read_bytes()
    assert store.start(entry.name, 10, Progress()) == (tmp_path / "content").read_bytes()[:10]
    assert store.is_folder("deep", Progress())
    assert not store.is_folder("a.jpg", Progress())
    assert store.find("none.jpg", Progress()) is None
    assert store.find("deep", Progress()) is None


def test_what_exists_is_replaced_only_when_asked(place, tmp_path):
    store = filled(place, tmp_path, "a.jpg")
    (tmp_path / "content").write_bytes(b"other")
    with pytest.raises(OutputError, match=r"in/a\.jpg: exists already; add --overwrite"):
        store.put(tmp_path / "content", "a.jpg", overwrite=False, progress=Progress())
    assert store.find("a.jpg", Progress()).size == 1000
    store.put(tmp_path / "content", "a.jpg", overwrite=True, progress=Progress())
    assert store.start("a.jpg", 99, Progress()) == b"other"


def test_hidden_files_are_found_when_asked_for(place, tmp_path):
    store = filled(place, tmp_path, ".crispen/1.jsonl", ".crispen/2.jsonl", "a.jpg")
    found = [e.name for e in store.hidden(".crispen", Progress())]
    assert found == [".crispen/1.jsonl", ".crispen/2.jsonl"]
    assert list(store.hidden(".other", Progress())) == []


def test_a_changed_file_is_not_mixed(place, tmp_path):
    store = filled(place, tmp_path, "a.jpg", size=5000)
    entry = store.find("a.jpg", Progress())
    (tmp_path / "content").write_bytes(os.urandom(5001))
    store.put(tmp_path / "content", "a.jpg", overwrite=True, progress=Progress())
    with pytest.raises(InputError, match="changed while it was read"):
        store.fetch(entry, tmp_path / "back", Progress())
    assert not list(tmp_path.glob("back*"))


def test_a_broken_connection_is_made_again(place, tmp_path, monkeypatch):
    monkeypatch.setattr(remote, "CHUNK_BYTES", 1 << 20)
    store = filled(place, tmp_path, "a.jpg", size=5 << 20)
    port = int(place.split(":")[2].split("/")[0]) if place.startswith("sftp") else _s3_port()
    with proxy(port) as way:
        through = _through(place, way.port, monkeypatch)
        entry = through.find("a.jpg", Progress())
        assert entry == store.find("a.jpg", Progress())
        # Once while data flows, then before anything was said.
        way.cuts += [700_000, 0, 300_000]
        through._connect_again()
        through.fetch(entry, tmp_path / "back", Progress())
        assert way.made >= 4
        way.cuts += [200, 0]
        through._connect_again()
        through.put(tmp_path / "back", "sub/b.jpg", overwrite=False, progress=Progress())
    assert (tmp_path / "back").read_bytes() == (tmp_path / "content").read_bytes()
    assert store.find("sub/b.jpg", Progress()).size == 5 << 20
    assert [e.name for e in store.files(recursive=True, progress=Progress())] == [
        "a.jpg",
        "sub/b.jpg",
    ]


def test_a_store_that_is_gone_is_one_line_and_leaves_nothing(place, tmp_path, monkeypatch):
    port = int(place.split(":")[2].split("/")[0]) if place.startswith("sftp") else _s3_port()
    filled(place, tmp_path, "a.jpg")
    with proxy(port) as way:
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        through = _through(place, way.port, monkeypatch)
        entry = through.find("a.jpg", Progress())
        way.closed = True
        through._connect_again()
        with pytest.raises(InputError, match=r"in/a\.jpg: cannot be read after \d tries") as told:
            through.fetch(entry, tmp_path / "back", Progress())
        assert "\n" not in str(told.value)
        with pytest.raises(OutputError, match=r"in/b\.jpg: cannot be written after \d tries"):
            through.put(tmp_path / "content", "b.jpg", overwrite=False, progress=Progress())
        assert not (tmp_path / "back").exists()


def test_a_folder_of_thousands_is_listed_by_the_page(s3, tmp_path, monkeypatch):
    monkeypatch.setattr(remote, "_LISTED_AT_ONCE", 3)
    store = filled("s3://pictures/in/", tmp_path, *(f"{n:02}.jpg" for n in range(10)))
    asked = []
    found = store.files(recursive=True, progress=Progress())
    inner = type(store._connected)._call_s3

    async def counted(self, method, *args, **kwargs):
        asked.append(method)
        return await inner(self, method, *args, **{**kwargs, "MaxKeys": 3})

    monkeypatch.setattr(type(store._connected), "_call_s3", counted)
    assert next(found).name == "00.jpg"
    assert asked == ["list_objects_v2"]
    assert [e.name for e in found] == [f"{n:02}.jpg" for n in range(1, 10)]
    assert len(asked) == 4


def test_a_bucket_that_is_not_there(s3, tmp_path):
    store = RemoteStore(parse("s3://nobodys-bucket/in/"))
    (tmp_path / "content").write_bytes(b"1")
    with pytest.raises(MissingInput, match="s3://nobodys-bucket/in/: no such file or folder"):
        list(store.files(recursive=True, progress=Progress()))
    with pytest.raises(OutputError, match="its bucket or folder does not exist"):
        store.put(tmp_path / "content", "a.jpg", overwrite=True, progress=Progress())


def test_a_host_that_nobody_knows_is_refused(sftp):
    port, _ = sftp
    (Path(os.environ["HOME"]) / ".ssh/known_hosts").write_text("")
    store = RemoteStore(parse(f"sftp://me@127.0.0.1:{port}/in/"))
    with pytest.raises(InputError, match="the host's key is not in known_hosts; connect once"):
        store.find("a.jpg", Progress())


def test_a_key_that_is_not_accepted(sftp):
    port, _ = sftp
    (Path(os.environ["HOME"]) / ".ssh/id_ed25519").unlink()
    store = RemoteStore(parse(f"sftp://me@127.0.0.1:{port}/in/"))
    with pytest.raises(InputError, match="permission denied by the store; check the credentials"):
        store.find("a.jpg", Progress())


def test_what_is_half_written_has_another_name(sftp, tmp_path, monkeypatch):
    port, folder = sftp
    store = filled(f"sftp://me@127.0.0.1:{port}/in/", tmp_path)
    seen = []
    inner = store._class._mv

    async def watched(self, before, after, **kwargs):
        seen.append(sorted(p.name for p in (folder / "in").iterdir()))
        return await inner(self, before, after, **kwargs)

    monkeypatch.setattr(store._class, "_mv", watched)
    (tmp_path / "content").write_bytes(b"1")
    store.put(tmp_path / "content", "a.jpg", overwrite=False, progress=Progress())
    assert len(seen) == 1
    assert len(seen[0]) == 1
    assert seen[0][0].startswith(".a.jpg.")
    assert [p.name for p in (folder / "in").iterdir()] == ["a.jpg"]


@pytest.mark.parametrize("scheme", ["s3", "gs", "az", "sftp", "smb"])
def test_what_is_not_installed_is_one_line(scheme, monkeypatch):
    library = remote._LIBRARIES[scheme]
    monkeypatch.setitem(__import__("sys").modules, library, None)
    with pytest.raises(MissingExtra, match=rf"type: pip install 'crispen\[{scheme}\]'"):
        RemoteStore(parse(f"{scheme}://place/in/"))


def _s3_port() -> int:
    return int(os.environ["AWS_ENDPOINT_URL"].rpartition(":")[2])


def _through(place: str, port: int, monkeypatch) -> RemoteStore:
    if place.startswith("s3"):
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        return RemoteStore(parse(place))
    return RemoteStore(parse(f"sftp://me@127.0.0.1:{port}/in/"))
