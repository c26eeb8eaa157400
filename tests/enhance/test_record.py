"""What a folder's record says of its results."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from crispen.enhance.record import NAME, Record, identity

SETTINGS = {"models": ["photo-x2"], "size": [640, 480]}


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    source, result = tmp_path / "a.png", tmp_path / "a_x2.png"
    source.write_bytes(b"source")
    result.write_bytes(b"result")
    return source, result


def test_a_result_that_was_made_so_is_known_again(pair: tuple[Path, Path]) -> None:
    Record(SETTINGS).add(*pair)
    assert Record(SETTINGS).difference(*pair) == ""


def test_settings_that_differ_are_named(pair: tuple[Path, Path]) -> None:
    Record(SETTINGS).add(*pair)
    said = Record({**SETTINGS, "models": ["real-x2"], "quality": 90}).difference(*pair)
    assert said == "made with other settings (models, quality)"


def test_another_source_or_a_changed_result_is_no_match(pair: tuple[Path, Path]) -> None:
    source, result = pair
    record = Record(SETTINGS)
    record.add(source, result)
    os.utime(source, ns=(1, 1))
    assert "another file or version of a.png" in record.difference(source, result)
    result.write_bytes(b"edited")
    assert "changed since" in record.difference(source, result)


def test_the_last_line_counts_and_a_cut_one_hides_no_other(pair: tuple[Path, Path]) -> None:
    record = Record(SETTINGS)
    record.add(*pair)
    file = pair[1].parent / NAME
    with file.open("a") as lines:
        lines.write('{"name": "a_x2.png", "resu')  # a killed process
    Record({"models": []}).add(*pair)
    assert Record({"models": []}).difference(*pair) == ""
    assert Record(SETTINGS).difference(*pair).startswith("made with other settings")
    whole = [line for line in file.read_text().splitlines() if line.endswith("}")]
    assert [json.loads(line)["name"] for line in whole] == ["a_x2.png"] * 2


def test_without_a_line_nothing_is_promised(pair: tuple[Path, Path]) -> None:
    assert Record(SETTINGS).difference(*pair) == "and nothing says how it was made"


def test_files_that_differ_in_the_middle_only_have_other_times(tmp_path: Path) -> None:
    long = bytes(3 << 20)
    for name, middle in (("a", b"0"), ("b", b"1")):
        (tmp_path / name).write_bytes(long[: 3 << 19] + middle + long[: 3 << 19])
        os.utime(tmp_path / name, ns=(ord(middle), ord(middle)))
    a, b = identity(tmp_path / "a"), identity(tmp_path / "b")
    assert a["ends"] == b["ends"]
    assert a != b
