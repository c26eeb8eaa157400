"""What Windows and macOS do otherwise, as far as Linux can simulate it."""

from __future__ import annotations

import errno
import ntpath
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
import pytest
from PIL import Image as PilImage

from crispen.engines.adding import add
from crispen.enhance import batch, record, results
from crispen.enhance.outcome import Options, Outcome
from crispen.enhance.request import Request
from crispen.enhance.stored.batch import enhance_stored
from crispen.enhance.video import segments
from crispen.errors import OutputError
from crispen.media import atomic
from crispen.models.store import SHIPPED
from crispen.stores import folder
from crispen.stores.folder import FolderStore

from .enhance.video.clips import make_clip
from .windows import keep_open_files

OPTIONS = Options(Request(models=("espcn",)), threads=1)


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def picture(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 30, 3), np.uint8)
    PilImage.fromarray(pixels).save(path)
    return path


def enhanced(source: Path, out: Path, **options: Any) -> list[Outcome]:
    asked = Options(Request(models=("espcn",), format=options.pop("format", None)), threads=1)
    return batch.enhance_all([str(source)], f"{out}/", asked_with(asked, options))


def asked_with(options: Options, more: dict[str, Any]) -> Options:
    return replace(options, **more)


@pytest.mark.parametrize("format", ["png", "jpeg", "webp", "tiff", "gif", "avif"])
def test_pictures_are_renamed_once_they_are_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    source = picture(tmp_path / "in" / "a.png").parent
    keep_open_files(monkeypatch)
    for overwrite in (False, True):
        outcomes = enhanced(source, tmp_path / "out", format=format, overwrite=overwrite)
        assert [o.error for o in outcomes] == [""]
    assert len(list((tmp_path / "out").glob("a.*"))) == 1
    assert [p.name for p in (tmp_path / "out").glob(".*")] == [record.NAME]


def test_videos_are_renamed_once_they_are_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "on_windows", lambda: True)
    (tmp_path / "in").mkdir()
    make_clip(tmp_path / "in" / "clip.mp4", range(0, 20 * 512, 512), audio=[("aac", 0.0, 0.5)])
    keep_open_files(monkeypatch)
    for overwrite in (False, True):
        outcomes = enhanced(tmp_path / "in", tmp_path / "out", overwrite=overwrite)
        assert [o.error for o in outcomes] == [""]
    assert [p.name for p in (tmp_path / "out").glob(".*")] == [record.NAME]


def test_models_are_renamed_once_they_are_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRISPEN_MODELS", str(tmp_path / "models"))
    keep_open_files(monkeypatch)
    add(str(SHIPPED / "espcn-x2.onnx"), name="mine-x2")
    assert [p.name for p in (tmp_path / "models").iterdir()] == ["mine-x2.onnx"]


def test_a_file_that_another_program_opens_for_a_moment_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = [True, True]
    plain = os.replace

    def busy(one: Any, other: Any) -> None:
        if refusals and refusals.pop():
            raise PermissionError(errno.EACCES, "Access is denied")
        plain(one, other)

    monkeypatch.setattr(os, "replace", busy)
    with pytest.raises(OutputError, match=r"cannot be written: Access is denied$"):
        atomic.write_whole(tmp_path / "a", b"1")
    refusals[:] = [True, True]
    # Not os.name itself, by which pathlib chooses the kind of paths.
    monkeypatch.setattr(atomic, "_BUSY_S", (0.0, 0.0, 0.0))
    monkeypatch.setattr(atomic, "on_windows", lambda: True)
    atomic.write_whole(tmp_path / "a", b"2")
    assert (tmp_path / "a").read_bytes() == b"2"
    refusals[:] = [True] * 9
    with pytest.raises(OutputError, match="close it in other programs"):
        atomic.write_whole(tmp_path / "a", b"3")
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_results_that_differ_by_case_alone_get_two_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "in"
    picture(source / "A.jpg", 1)
    picture(source / "a.bmp", 2)
    monkeypatch.setattr(results, "ignores_case", lambda folder: True)
    for status in ("done", "skipped"):
        outcomes = enhanced(source, tmp_path / "out", format="png")
        assert {o.status for o in outcomes} == {status}
        made = [p.name for p in (tmp_path / "out").glob("*.png")]
        assert len(made) == len({name.casefold() for name in made}) == 2
    monkeypatch.setattr(results, "ignores_case", lambda folder: False)
    outcomes = enhanced(source, tmp_path / "plain", format="png")
    assert {Path(o.target).name for o in outcomes} == {"A.png", "a.png"}


def test_names_of_an_archive_that_windows_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = picture(tmp_path / "a.png").read_bytes()
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name in ("CON.png", "day 1: rain?.png", "sub./x.png", "Sub./X.png"):
            archive.writestr(name, content)
    monkeypatch.setattr(folder, "on_windows", lambda: True)
    monkeypatch.setattr(FolderStore, "ignores_case", True)
    found: list[Outcome] = []
    options = asked_with(OPTIONS, {"recursive": True})
    for status in ("done", "skipped"):
        found.clear()
        enhance_stored(
            [f"zip://{tmp_path / 'all.zip'}"], f"{tmp_path}/out/", options, report=found.append
        )
        assert {o.status for o in found} == {status}, found
    names = sorted(p.relative_to(tmp_path / "out").as_posix() for p in _files(tmp_path / "out"))
    assert names == ["CON_.png", "Sub_/X-2.png", "day 1_ rain_.png", "sub_/x.png"]


def _files(place: Path) -> list[Path]:
    return [p for p in place.rglob("*.png") if p.is_file()]


def test_records_have_one_kind_of_separators(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "Path", PureWindowsPath)
    monkeypatch.setattr(record.os.path, "relpath", lambda path, start: ntpath.join("..", "in", "a"))
    assert record._relative(tmp_path, tmp_path) == "../in/a"


WITHOUT = """
import importlib.machinery, os, signal, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in ("fcntl", "resource", "pwd", "grp", "termios"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Missing())
for name in ("sched_getaffinity", "geteuid", "killpg", "setsid", "statvfs"):
    delattr(os, name)
for name in ("SIGHUP", "SIGKILL", "SIGALRM", "SIGUSR1", "pthread_sigmask"):
    delattr(signal, name)
"""


def test_what_only_unix_has_is_not_needed(tmp_path: Path) -> None:
    source = picture(tmp_path / "a.png")
    code = f"{WITHOUT}\nfrom crispen.cli.main import main\nmain(sys.argv[1:])"
    for command in (
        ["enhance", str(source), "--model", "espcn"],
        ["enhance", str(source), "--model", "espcn", "--overwrite"],
        ["look", str(source)],
        ["doctor"],
        ["models"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", code, *command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (command, done.stderr)
    assert (tmp_path / "a.x2.png").is_file()
