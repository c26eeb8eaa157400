"""The bytes of uploads on disk, without HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from crispen.server.api_errors import ApiError
from crispen.server.services.clock import Clock
from crispen.server.services.data_folder import DataFolder
from crispen.server.services.upload_store import Owner, UploadStore

ME = Owner("me", "192.0.2.1")
FACTS = {"size": 10, "metadata": {"filename": "a.png"}}


def folder(tmp_path: Path, **limits: int) -> DataFolder:
    made = DataFolder(tmp_path, **{"max_total_bytes": 1 << 40, "min_free_bytes": 0} | limits)
    made.prepare()
    return made


def begun(store: UploadStore) -> str:
    uid = store.claim(ME)
    store.path(uid).touch()
    store.save(uid, FACTS)
    return uid


def test_the_offset_is_the_size_on_disk(tmp_path: Path) -> None:
    store = UploadStore(folder(tmp_path), Clock())
    uid = begun(store)
    store.append(uid, b"123")
    store.append(uid, b"45")
    facts = store.about(uid)
    assert facts is not None
    assert (facts["offset"], facts["size"], facts["owner"]) == (5, 10, "me")
    store.cut(uid, 2)
    assert store.path(uid).read_bytes() == b"12"


def test_counts_of_clients_and_addresses_outlive_the_server(tmp_path: Path) -> None:
    data = folder(tmp_path)
    store = UploadStore(data, Clock())
    first, second = begun(store), begun(store)
    again = UploadStore(data, Clock())
    assert again.of_client("me") == 0
    again.begin()
    assert again.of_client("me") == again.of_address("192.0.2.1") == 2
    again.drop(first)
    assert again.of_client("me") == 1
    assert again.uids() == [second]
    assert again.of_client("another") == 0


def test_nothing_is_kept_of_an_upload_that_was_deleted_meanwhile(tmp_path: Path) -> None:
    store = UploadStore(folder(tmp_path), Clock())
    uid = begun(store)
    store.drop(uid)
    store.save(uid, FACTS)
    store.cut(uid, 0)
    assert store.about(uid) is None
    assert store.uids() == []


def test_a_damaged_note_is_no_upload(tmp_path: Path) -> None:
    data = folder(tmp_path)
    store = UploadStore(data, Clock())
    uid = begun(store)
    (data.uploads / f"{uid}.info").write_text("{")
    assert store.about(uid) is None


def test_a_full_share_refuses_the_bytes(tmp_path: Path) -> None:
    store = UploadStore(folder(tmp_path, max_total_bytes=4), Clock())
    uid = begun(store)
    with pytest.raises(ApiError, match="delete old jobs"):
        store.append(uid, bytes(4000))
    assert store.path(uid).stat().st_size == 0
