"""Files that arrive while somebody watches."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage

from crispen.enhance.arrivals import Arrivals
from crispen.enhance.record import NAME
from crispen.enhance.results import Job
from crispen.errors import UsageError
from crispen.progress import Progress

PATIENCE_S = 120.0


class Clockwork:
    """Looks at a folder whenever the test says, with a clock of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.arrivals = Arrivals(folder, Progress(), settle_s=2)

    def look(self, now: float) -> list[str]:
        jobs = [Job(path, path, False) for path in sorted(self.folder.iterdir())]
        return [job.source_name[-1] for job in self.arrivals._settled(jobs, now)]


def test_a_file_is_taken_once_nobody_has_written_it_for_a_while(tmp_path: Path) -> None:
    clock = Clockwork(tmp_path)
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").touch()
    assert clock.look(0) == []
    assert clock.look(1.9) == []
    (tmp_path / "a").write_bytes(b"12")
    assert clock.look(2.1) == []
    (tmp_path / "b").write_bytes(b"1")
    assert clock.look(4) == []
    assert clock.look(4.2) == ["a"]
    assert clock.look(6.1) == ["b"]
    assert clock.look(60) == []
    # Another file of that name is another one.
    (tmp_path / "a").write_bytes(b"123")
    assert clock.look(61) == []
    assert clock.look(64) == ["a"]


def test_a_folder_is_needed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--watch takes a folder"):
        Arrivals(tmp_path / "none", Progress())


class Watching:
    """``crispen enhance --watch`` as a process of its own."""

    def __init__(self, folder: Path) -> None:
        command = ["enhance", str(folder / "in"), "-o", f"{folder / 'out'}/", "--watch", "--json"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "crispen", *command, "--model", "espcn", "--threads", "1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        self.lines: Iterator[str] = iter(self.process.stdout)

    def told(self, count: int) -> Counter[tuple[str, str]]:
        lines = [json.loads(next(self.lines)) for _ in range(count)]
        return Counter((Path(line["source"]).name, line["status"]) for line in lines)

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode


def test_nothing_is_done_twice_however_it_ends(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    photo = tmp_path / "photo.png"
    PilImage.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)).save(photo)
    shutil.copy(photo, tmp_path / "in/a.png")
    first = Watching(tmp_path)
    assert first.told(1) == {("a.png", "done"): 1}
    # Written slowly: it is not taken before it is whole.
    content = photo.read_bytes()
    with (tmp_path / "in/b.png").open("wb") as file:
        for part in range(6):
            file.write(content[part * len(content) // 6 : (part + 1) * len(content) // 6])
            file.flush()
            time.sleep(0.6)
    assert first.told(1) == {("b.png", "done"): 1}
    assert first.end(signal.SIGKILL) == -signal.SIGKILL
    shutil.copy(photo, tmp_path / "in/c.png")
    second = Watching(tmp_path)
    assert second.told(3) == {
        ("a.png", "skipped"): 1,
        ("b.png", "skipped"): 1,
        ("c.png", "done"): 1,
    }
    assert second.end(signal.SIGTERM) == 0
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert made == {"a.png", "b.png", "c.png", NAME}
    notes = (tmp_path / "out" / NAME).read_text().splitlines()
    assert Counter(json.loads(line)["name"] for line in notes) == {
        "a.png": 1,
        "b.png": 1,
        "c.png": 1,
    }
    assert os.listdir(tmp_path / "in") != []
