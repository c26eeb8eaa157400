"""Pictures of files, folders and archives, and the test sets that are here."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crispen.errors import InputError, MissingInput, UsageError
from crispen.evaluate import pairs
from crispen.lab.curation import places
from crispen.lab.curation.places import find_pictures, find_tests, known_tests
from crispen.progress import Progress
from crispen.stores.opening import Stores


@pytest.fixture
def stores() -> Iterator[Stores]:
    with Stores(Progress()) as opened:
        yield opened


@pytest.fixture
def searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which sets are looked for."""
    folder = tmp_path / "sets"
    monkeypatch.setattr(pairs, "search_path", lambda: [folder])
    monkeypatch.setattr(places, "is_here", lambda name: False)
    return folder


def test_a_folder_and_a_file(photos: Any, save: Any, tmp_path: Path, stores: Stores) -> None:
    save(photos["cat"], "in/deep/b.png")
    save(photos["cup"], "in/a.png")
    (tmp_path / "in/notes.txt").write_text("no picture")
    found = find_pictures(str(tmp_path / "in"), stores, Progress())
    assert [Path(name).name for name in found.names] == ["a.png", "b.png"]
    assert (found.read(1).as_rgb8() == photos["cat"]).all()
    one = find_pictures(str(tmp_path / "in/a.png"), stores, Progress())
    assert (one.names, one.keys) == (found.names[:1], found.keys[:1])


def test_an_archive(photos: Any, save: Any, tmp_path: Path, stores: Stores) -> None:
    save(photos["cat"], "in/deep/b.png")
    save(photos["cup"], "in/a.png")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name in ("a.png", "deep/b.png"):
            archive.write(tmp_path / "in" / name, f"set/{name}")
        archive.writestr("set/notes.txt", "no picture")
    found = find_pictures(f"zip://{tmp_path}/set.zip/set", stores, Progress())
    assert [name.rpartition("set.zip/")[2] for name in found.names] == [
        "set/a.png",
        "set/deep/b.png",
    ]
    assert (found.read(1).as_rgb8() == photos["cat"]).all()
    one = find_pictures(f"zip://{tmp_path}/set.zip/set/a.png", stores, Progress())
    assert (one.read(0).as_rgb8() == photos["cup"]).all()


def test_what_is_wrong_is_told(tmp_path: Path, stores: Stores) -> None:
    with pytest.raises(MissingInput, match="none: no such folder; check the path"):
        find_pictures(str(tmp_path / "none"), stores, Progress())
    with pytest.raises(InputError, match="no pictures in it"):
        find_pictures(str(tmp_path), stores, Progress())
    with pytest.raises(UsageError, match="files on the web cannot be listed"):
        find_pictures("https://example.org/pictures/", stores, Progress())
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("notes.txt", "no picture")
    with pytest.raises(InputError, match=r"set\.zip.*no pictures in it"):
        find_pictures(f"zip://{tmp_path}/set.zip/", stores, Progress())
    with pytest.raises(MissingInput, match="no such file or folder"):
        find_pictures(f"zip://{tmp_path}/set.zip/other", stores, Progress())


def test_test_sets_by_name(photos: Any, save: Any, searched: Path, stores: Stores) -> None:
    save(photos["cat"], "sets/set5/HR/a.png")
    save(photos["cat"][::2, ::2], "sets/set5/LR_x2/a.png")
    save(photos["cup"], "sets/Urban100/u.png")
    save(photos["cup"], "sets/training/x.png")
    found = find_tests("Set5", stores, Progress())
    assert [Path(name).parts[-2:] for name in found.names] == [("HR", "a.png")]
    assert known_tests() == [str(searched / "set5" / "HR"), str(searched / "Urban100")]


def test_without_any_test_set_one_must_be_given(searched: Path) -> None:
    with pytest.raises(UsageError, match=r"none of the usual test sets is here.*--against"):
        known_tests()
