"""The record of results in a store."""

from __future__ import annotations

import pytest

from crispen.enhance.stored import record as records
from crispen.enhance.stored.record import StoredRecord
from crispen.progress import Progress
from crispen.stores.folder import FolderStore

SOURCE = {"bytes": 9, "version": "1"}


@pytest.fixture
def open_record(tmp_path):
    opened = []

    def make(*, listed=True):
        file = tmp_path / f"{len(opened)}.sqlite"
        store = FolderStore(tmp_path / "out")
        record = StoredRecord(store, file, listed=listed, progress=Progress())
        record.load()
        opened.append(record)
        return record

    yield make
    for record in opened:
        record.close()


def note(name, of="s3://b/in/a.png", size=3):
    return {
        "name": name,
        "of": of,
        "result": {"bytes": size},
        "source": SOURCE,
        "settings": {"size": "x2"},
    }


def put(tmp_path, name, content=b"123"):
    path = tmp_path / "out" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.mark.parametrize("listed", [True, False])
def test_another_run_knows_what_was_written(open_record, tmp_path, listed):
    first = open_record()
    first.write([note("a.png"), note("sub/é\u2028.png")])
    first.write([note("c.png")])
    put(tmp_path, "a.png")
    second = open_record(listed=listed)
    assert second.note("sub/é\u2028.png")["name"] == "sub/é\u2028.png"
    assert second.note("c.png") is not None
    assert (second.size("a.png"), second.size("c.png")) == (3, None)
    about = (SOURCE, "s3://b/in/a.png", {"size": "x2"})
    assert second.difference("a.png", 3, *about) == ""
    assert "was changed" in second.difference("a.png", 4, *about)
    other = {**SOURCE, "version": "2"}
    assert "another file or version" in second.difference("a.png", 3, other, *about[1:])
    assert "(size)" in second.difference("a.png", 3, *about[:2], {"size": "x3"})
    assert "nothing says" in second.difference("z.png", 3, *about)


def test_a_name_belongs_to_one_source(open_record, tmp_path):
    first = open_record()
    assert first.take("a.png", "s3://b/in/a.png")
    assert not first.take("a.png", "s3://b/in/a.bmp")
    first.write([note("a.png")])
    put(tmp_path, "a.png")
    second = open_record()
    assert not second.take("a.png", "s3://b/in/a.bmp")
    assert second.take("a.png", "s3://b/in/a.png")
    (tmp_path / "out/a.png").unlink()
    assert open_record().take("a.png", "s3://b/in/a.bmp")


def test_files_of_the_record_do_not_grow_without_end(open_record, tmp_path, monkeypatch):
    monkeypatch.setattr(records, "_LINES_A_FILE", 4)
    record = open_record()
    for n in range(6):
        record.write([note(f"{n}-{m}.png") for m in range(2)])
    files = sorted((tmp_path / "out/.crispen").iterdir())
    assert [len(path.read_text().splitlines()) for path in files] == [4, 4, 4]
    assert open_record().note("5-1.png") is not None


def test_a_line_that_was_cut_off_costs_only_itself(open_record, tmp_path):
    open_record().write([note("a.png"), note("b.png")])
    (file,) = (tmp_path / "out/.crispen").iterdir()
    file.write_text(file.read_text()[:-30])
    record = open_record()
    assert record.note("a.png") is not None
    assert record.note("b.png") is None
