"""Files that are whole or not there, and what runs that died left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crispen.errors import OutputError
from crispen.media import atomic

DEAD = """
import os, sys
from pathlib import Path
from crispen.media.atomic import open_beside
path, file = open_beside(Path(sys.argv[1]))
file.write(b"half")
file.flush()
print(path.name, flush=True)
if sys.argv[2] == "dies":
    os.kill(os.getpid(), 9)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def first_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic, "_swept", set())


def run(target: Path, how: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", DEAD, str(target), how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_what_a_dead_run_left_goes_and_what_a_living_one_writes_stays(tmp_path: Path) -> None:
    names = []
    with run(tmp_path / "a.png", "dies") as dead, run(tmp_path / "b.png", "lives") as living:
        for process in (dead, living):
            assert process.stdout is not None
            names.append(process.stdout.readline().strip())
        dead.wait()
        (tmp_path / ".notes.part").write_text("somebody else's")
        (tmp_path / ".clip.mp4.part").mkdir()
        for path in tmp_path.iterdir():
            os.utime(path, (time.time() - 120,) * 2)
        atomic.write_whole(tmp_path / "c.png", b"whole")
        left = {path.name for path in tmp_path.iterdir()}
        assert left == {names[1], ".notes.part", ".clip.mp4.part", "c.png"}
        living.kill()


def test_what_was_just_written_is_left_alone(tmp_path: Path) -> None:
    with run(tmp_path / "a.png", "dies") as dead:
        dead.wait()
    # Perhaps it is only being given its name.
    atomic.write_whole(tmp_path / "c.png", b"whole")
    assert len(list(tmp_path.iterdir())) == 2


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"before")

    def write() -> None:
        with atomic.replacing(tmp_path / "a") as file:
            file.write(b"half")
            raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="No space"):
        write()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"before"]
