"""The command itself: help, errors, exit codes, start."""

from __future__ import annotations

import json
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

import crispen as package
from crispen.cli import console
from crispen.cli import main as main_module
from crispen.errors import Cancelled, InputError, MissingExtra

COMMANDS = main_module.COMMANDS


def raising(error: BaseException) -> Callable[..., None]:
    def command() -> None:
        """Fail."""
        raise error

    return command


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Replaces ``crispen doctor`` by a command that raises."""

    def replace(error: BaseException) -> None:
        module = types.ModuleType("crispen.cli.doctor")
        module.doctor = raising(error)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "crispen.cli.doctor", module)

    return replace


def test_help_lists_every_command(crispen: Any) -> None:
    said = crispen("--help")
    assert said.code == 0
    assert all(name in said.out for name in COMMANDS)


def test_nothing_given_shows_help(crispen: Any) -> None:
    said = crispen()
    assert said.code == 2
    assert "Usage" in said.out + said.err


def test_version(crispen: Any) -> None:
    assert crispen("--version").out == f"crispen {package.__version__}\n"


def test_a_file_in_place_of_a_command_is_told_the_command(crispen: Any, tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    said = crispen(str(tmp_path / "a.png"))
    assert said.code == 2
    assert f"crispen enhance {tmp_path / 'a.png'}" in said.err


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (InputError("a.png: broken"), 1, "crispen: a.png: broken"),
        (MissingExtra("type: pip install x"), 2, "crispen: type: pip install x"),
        (Cancelled(), 130, "crispen: stopped"),
        (KeyboardInterrupt(), 130, "crispen: stopped"),
        (ZeroDivisionError("oh"), 1, "crispen: unexpected ZeroDivisionError: oh; run again with"),
        (MemoryError(), 1, "crispen: out of memory"),
    ],
)
def test_errors_are_one_line(
    crispen: Any, failing: Any, error: BaseException, code: int, text: str
) -> None:
    failing(error)
    said = crispen("doctor")
    assert said.code == code
    assert said.out == ""
    assert said.err.startswith(text)
    assert said.err.count("\n") == 1


def test_errors_as_json(crispen: Any, failing: Any) -> None:
    module_error = InputError("a.png:\nbroken")
    failing(module_error)
    code = console.run_safely(raising(module_error), debug=False, as_json=True)
    assert code == 1
    said = crispen("models", "show", "nothing-like-it", "--json")
    assert said.code == 2
    assert "nothing-like-it" in json.loads(said.err)["error"]


@pytest.mark.parametrize("arguments", [("--debug", "doctor"), ("doctor", "--debug")])
def test_debug_shows_the_traceback(crispen: Any, failing: Any, arguments: Any) -> None:
    failing(ZeroDivisionError("oh"))
    said = crispen(*arguments)
    assert said.code == 1
    assert "Traceback" in said.err
    assert "--debug" not in said.err.splitlines()[-1]


def test_wrong_options_are_one_line(crispen: Any) -> None:
    said = crispen("doctor", "--fast")
    assert said.code == 2
    assert said.err.count("\n") == 1
    assert "--fast" in said.err
    assert "crispen doctor --help" in said.err


def test_unknown_commands_get_the_nearest(crispen: Any) -> None:
    said = crispen("enhence")
    assert said.code == 2
    assert "'enhance'" in said.err


def test_after_two_dashes_nothing_is_a_flag(crispen: Any) -> None:
    said = crispen("models", "show", "--", "--debug")
    assert said.code == 2
    assert "--debug" in said.err
    assert "Traceback" not in said.err


def test_a_command_may_set_the_exit_code() -> None:
    def leave() -> None:
        raise typer.Exit(1)

    app = typer.Typer(add_completion=False)
    app.command()(leave)
    command = typer.main.get_command(app)
    code = console.run_safely(
        lambda: command.main([], standalone_mode=False), debug=False, as_json=False
    )
    assert code == 1


def test_a_reader_that_leaves_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m crispen models --json | head -c 1",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "["
    assert "Traceback" not in done.stderr
