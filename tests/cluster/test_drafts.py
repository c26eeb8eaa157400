"""Places for results that have no name yet."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from crispen.cluster.drafts import Drafts, sweep
from crispen.errors import OutputError


def aged(folder: Path) -> Path:
    os.utime(folder, (time.time() - 600,) * 2)
    return folder


def test_each_has_a_place_of_its_own_beside_its_result(tmp_path: Path) -> None:
    drafts = Drafts()
    one, other = (drafts.path(tmp_path / "a.png") for _ in range(2))
    assert one != other
    assert one.name == other.name == "a.png"
    assert one.parents[2] == tmp_path
    one.write_bytes(b"1")
    drafts.drop(one)
    assert not one.exists()
    drafts.close()
    assert list(tmp_path.iterdir()) == []


def test_those_of_one_task_share_a_place_that_goes_with_the_last(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    drafts = Drafts()
    one = drafts.path(tmp_path / "a.png")
    other = drafts.path(tmp_path / "b.png", one)
    below = drafts.path(tmp_path / "below/c.png", other)
    assert one.parent == other.parent
    assert below.parents[2] == tmp_path / "below"
    one.touch()
    os.rename(one, tmp_path / "a.png")  # as a result gets its name
    drafts.drop(one)
    other.touch()
    assert other.exists()
    drafts.drop(other)
    assert not other.parent.exists()
    assert below.parent.is_dir()
    assert drafts.path(tmp_path / "d.png").parent.is_dir()
    drafts.close()
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.png", "below"]


def test_folders_without_drafts_are_left_when_the_next_begins(tmp_path: Path) -> None:
    """Each is locked by an open file, and a tree may have very many."""
    drafts = Drafts()
    for number in range(4):
        (tmp_path / f"{number}").mkdir()
    kept = drafts.path(tmp_path / "0/a.png")
    for number in (1, 2, 3):
        drafts.drop(drafts.path(tmp_path / f"{number}/a.png"))
    assert sorted(path.parts[-2] for path in tmp_path.glob("*/.crispen.*.drafts")) == ["0", "3"]
    drafts.drop(kept)
    assert drafts.path(tmp_path / "1/a.png").parent.is_dir()
    drafts.close()
    assert not [*tmp_path.glob("*/.*")]


def test_what_dead_runs_left_goes_and_what_lives_stays(tmp_path: Path) -> None:
    alive = Drafts()
    kept = alive.path(tmp_path / "a.png")
    aged(kept.parents[1])
    dead = tmp_path / ".crispen.0123abcd.drafts"
    (dead / "0").mkdir(parents=True)
    young = tmp_path / ".crispen.4567abcd.drafts"
    young.mkdir()
    aged(dead)
    sweep(tmp_path)
    assert kept.parent.is_dir()
    assert young.is_dir()
    assert not dead.exists()
    alive.close()


def test_a_folder_that_refuses_is_told(tmp_path: Path) -> None:
    drafts = Drafts()
    with pytest.raises(OutputError, match=r"none/a.png: cannot be written .*choose another -o"):
        drafts.path(tmp_path / "none" / "a.png")
    drafts.close()
