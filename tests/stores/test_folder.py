"""A folder of this machine as a store."""

from __future__ import annotations

import pytest

from crispen.errors import InputError, OutputError
from crispen.progress import Progress
from crispen.stores.folder import FolderStore


@pytest.fixture
def store(tmp_path):
    store = FolderStore(tmp_path / "here")
    (tmp_path / "content").write_bytes(b"content")
    for name in ("b.jpg", "a.jpg", "deep/c.jpg", ".crispen/1.jsonl"):
        store.put(tmp_path / "content", name, overwrite=False, progress=Progress())
    return store


def test_files(store, tmp_path):
    found = list(store.files(recursive=True, progress=Progress()))
    assert [e.name for e in found] == ["a.jpg", "b.jpg", "deep/c.jpg"]
    assert [e.name for e in store.files(recursive=False, progress=Progress())] == ["a.jpg", "b.jpg"]
    assert [e.name for e in store.hidden(".crispen", Progress())] == [".crispen/1.jsonl"]
    assert store.find("a.jpg", Progress()) == found[0]
    assert store.find("deep", Progress()) is None
    assert store.is_folder("deep", Progress())
    assert store.local(found[0]).read_bytes() == b"content"
    assert store.start("a.jpg", 3, Progress()) == b"con"
    store.fetch(found[0], tmp_path / "copy", Progress())
    assert (tmp_path / "copy").read_bytes() == b"content"


def test_nothing_half_written_and_nothing_replaced_by_accident(store, tmp_path):
    with pytest.raises(OutputError, match="was created by something else meanwhile"):
        store.put(tmp_path / "content", "a.jpg", overwrite=False, progress=Progress())
    (tmp_path / "other").write_bytes(b"other")
    store.put(tmp_path / "other", "a.jpg", overwrite=True, progress=Progress())
    assert sorted(p.name for p in (tmp_path / "here").iterdir()) == [
        ".crispen",
        "a.jpg",
        "b.jpg",
        "deep",
    ]


@pytest.mark.parametrize(
    "name", ["../a.jpg", "/etc/a.jpg", "a/../../b.jpg", "a\\b.jpg", "a//b.jpg", "a\0.jpg"]
)
def test_no_name_leads_out_of_the_folder(store, tmp_path, name):
    with pytest.raises(InputError, match="no name for a file in a folder"):
        store.put(tmp_path / "content", name, overwrite=True, progress=Progress())


def test_a_folder_that_is_not_there_has_no_files(tmp_path):
    store = FolderStore(tmp_path / "none")
    assert list(store.files(recursive=True, progress=Progress())) == []
    assert list(store.hidden(".crispen", Progress())) == []
