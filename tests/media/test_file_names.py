"""Names on other systems; expected ones are from Microsoft's "Naming Files, Paths"."""

from __future__ import annotations

import os
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as some

from crispen.media import file_names
from crispen.media.file_names import folded, ignores_case, local_name, portable

REFUSED = '<>:"\\|?*'


@given(some.text(some.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_windows_takes_every_portable_name(name: str) -> None:
    for part in portable(name).split("/"):
        assert not set(part) & {*REFUSED, *map(chr, range(32))}
        assert part in ("", ".", "..") or not part.endswith((".", " "))
        # Python's own list of devices.
        assert not PureWindowsPath(part).is_reserved()


@pytest.mark.parametrize(
    "name", ["photo.png", "2024/may/Käfer 1.jpg", "console.png", ".hidden", "com0"]
)
def test_names_that_windows_takes_stay(name: str) -> None:
    assert portable(name) == name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("NUL", "NUL_"),
        ("com1.png", "com1_.png"),
        ("Lpt9.a.b", "Lpt9_.a.b"),
        ("a/con/b", "a/con_/b"),
    ],
)
def test_devices_get_another_name(name: str, expected: str) -> None:
    assert portable(name) == expected


def test_only_windows_needs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert local_name("a:b.png") == "a:b.png"
    monkeypatch.setattr(file_names, "on_windows", lambda: True)
    assert local_name("a:b.png") == "a_b.png"


def test_cases_and_accents_are_folded() -> None:
    assert folded("ÄRGER.png") == folded("a\u0308rger.PNG")
    assert folded("a.png") != folded("b.png")


def test_a_name_that_is_there_tells_whether_cases_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Photo.png").touch()
    assert not ignores_case(tmp_path)
    assert not ignores_case(tmp_path / "none" / "below")

    def same(one: Path, other: Path) -> bool:
        return str(one).casefold() == str(other).casefold()

    monkeypatch.setattr(os.path, "samefile", same)
    assert ignores_case(tmp_path / "none")


def test_where_nothing_tells_the_system_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_names, "_is_both", lambda folder, name: None)
    for system, expected in (("linux", False), ("darwin", True), ("win32", True)):
        monkeypatch.setattr(file_names.sys, "platform", system)
        assert ignores_case(tmp_path) is expected
