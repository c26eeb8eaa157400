"""What the fuzzer looks at: its seeds, and all that it ever found, in ``tests/fuzz/TARGET``."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path

import pytest

import fuzz_targets

ROOT = Path(__file__).parents[1]
CORPUS = ROOT / "tests/fuzz"
FOUND = sorted(path for path in CORPUS.glob("*/*") if path.is_file())


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRISPEN_MODELS", str(tmp_path))


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_found_is_mended(path: Path) -> None:
    fuzz_targets.TARGETS[path.parent.name](path.read_bytes())


@pytest.mark.parametrize("target", fuzz_targets.TARGETS)
def test_seeds_and_their_mutations_are_read_or_refused(target: str) -> None:
    """A few inputs of each target, whole, cut, and with one byte changed."""
    function = fuzz_targets.TARGETS[target]
    for seed in itertools.islice(fuzz_targets.seeds(target), 4):
        function(seed)
        function(seed[: len(seed) // 2])
        middle = bytearray(seed)
        middle[len(seed) // 3] ^= 0x55
        function(bytes(middle))


@pytest.mark.parametrize(("first", "tried"), [("ModuleNotFoundError: atheris", False), ("", True)])
def test_a_fuzzer_that_never_began_has_not_found_nothing(
    first: str, tried: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.spec_from_file_location("fuzz_tool", ROOT / "tools/fuzz.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    said = f"{tool.STARTED}\nstat::number_of_executed_units: 12" if tried else first
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho '{said}'\n")
    python.chmod(0o755)
    monkeypatch.setattr(tool, "WORK", tmp_path)
    monkeypatch.setattr(tool.sys, "executable", str(python))
    if tried:
        assert tool.run("recipe", 3, []) == 0
    else:
        with pytest.raises(SystemExit, match=rf"recipe: nothing was tried:\n{first}"):
            tool.run("recipe", 3, [])


def test_a_failure_that_is_no_error_of_ours_is_seen() -> None:
    """The targets themselves can fail."""
    error = fuzz_targets.CrispenError("a")
    error.args = ("a\nb",)  # which its constructor would have escaped
    with pytest.raises(AssertionError, match="several lines"):
        fuzz_targets._one_line(error)
