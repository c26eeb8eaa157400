"""Which store stands behind an address."""

from __future__ import annotations

import os
import zipfile

import pytest

from crispen.errors import MissingInput
from crispen.progress import Progress
from crispen.stores.address import parse
from crispen.stores.archive import ArchiveStore
from crispen.stores.opening import Stores
from crispen.stores.remote import RemoteStore
from crispen.stores.web import WebStore


def test_one_store_for_a_folder_and_one_for_each_file_of_the_web(web, s3, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr("in/a.jpg", b"1")
    with Stores(Progress()) as stores:
        first = stores.of(parse("s3://pictures/in/a.jpg"))
        assert type(first) is RemoteStore
        assert stores.of(parse("s3://pictures/in/")) is first
        assert type(stores.of(parse(web.url("/a.jpg")))) is WebStore
        assert stores.of(parse(web.url("/a.jpg"))) is not stores.of(parse(web.url("/b.jpg")))
        archive = stores.of(parse(f"zip://{tmp_path}/a.zip/in/"))
        assert type(archive) is ArchiveStore
        assert [e.name for e in archive.files(recursive=True, progress=Progress())] == ["a.jpg"]


def test_an_archive_that_is_elsewhere(web, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "temporary").mkdir()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr("a.jpg", b"12345")
    web.files["/a.zip"] = (tmp_path / "a.zip").read_bytes()
    with Stores(Progress()) as stores:
        store = stores.of(parse(f"zip://::{web.url('/a.zip')}"))
        assert store.find("a.jpg", Progress()).size == 5
        assert os.listdir(tmp_path / "temporary")
    assert not os.listdir(tmp_path / "temporary")
    with Stores(Progress()) as stores, pytest.raises(MissingInput):
        stores.of(parse(f"zip://a.jpg::{web.url('/none.zip')}"))
