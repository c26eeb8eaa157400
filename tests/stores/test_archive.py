"""Zip files as folders."""

from __future__ import annotations

import zipfile

import pytest

from crispen.errors import InputError, MissingInput, UsageError
from crispen.progress import Progress
from crispen.stores.archive import ArchiveStore

CONTENT = b"0123456789" * 1000


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name in ("a.jpg", "in/b.jpg", "in/deep/c.jpg", "in/.d.jpg", "__MACOSX/in/._b.jpg"):
            made.writestr(name, CONTENT)
        made.mkdir("empty")
    return path


def names(store, *, recursive):
    return [entry.name for entry in store.files(recursive=recursive, progress=Progress())]


def test_folders(archive):
    with ArchiveStore(archive, "", "zip://photos.zip/") as store:
        assert names(store, recursive=True) == ["a.jpg", "in/b.jpg", "in/deep/c.jpg"]
        assert names(store, recursive=False) == ["a.jpg"]
        assert store.is_folder("in", Progress())
        assert not store.is_folder("a.jpg", Progress())
        assert store.find("in", Progress()) is None
    with ArchiveStore(archive, "in/", "zip://photos.zip/in/") as store:
        assert names(store, recursive=True) == ["b.jpg", "deep/c.jpg"]


def test_a_file(archive, tmp_path):
    with ArchiveStore(archive, "in/", "zip://photos.zip/in/") as store:
        entry = store.find("b.jpg", Progress())
        assert (entry.size, entry.version) == (10_000, f"{zipfile.crc32(CONTENT):08x}")
        assert store.of(entry) == "zip://photos.zip/in/b.jpg"
        assert store.start("b.jpg", 3, Progress()) == b"012"
        store.fetch(entry, tmp_path / "b", Progress())
        assert (tmp_path / "b").read_bytes() == CONTENT
        with pytest.raises(UsageError, match="is read-only"):
            store.put(tmp_path / "b", "new.jpg", overwrite=True, progress=Progress())


def test_a_damaged_file_leaves_nothing(archive, tmp_path):
    data = bytearray(archive.read_bytes())
    data[len("a.jpg") + 30 + 8] ^= 0xFF
    archive.write_bytes(data)
    with (
        ArchiveStore(archive, "", "zip://photos.zip/") as store,
        pytest.raises(InputError, match=r"zip://photos\.zip/a\.jpg: cannot be read"),
    ):
        store.fetch(store.find("a.jpg", Progress()), tmp_path / "a", Progress())
    assert not (tmp_path / "a").exists()


def test_what_is_no_archive(tmp_path):
    with pytest.raises(MissingInput, match="no such file"):
        ArchiveStore(tmp_path / "none.zip", "", "")
    (tmp_path / "odd.zip").write_bytes(b"odd")
    with pytest.raises(InputError, match="cannot be read as a zip file"):
        ArchiveStore(tmp_path / "odd.zip", "", "")
