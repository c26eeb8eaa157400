"""Nothing heavy happens at import, and every module can be imported on its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "numpy",
    "openvino",
    "onnxruntime",
    "torch",
    "pyvips",
    "av",
    "pydantic",
    "onnx",
    "pooch",
    "rich.progress",
)
START = """
import sys
{code}
print(*[name for name in {heavy!r} if name in sys.modules])
"""


def imported(code: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", START.format(code=code, heavy=HEAVY)],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()[-1].split()


HELP = """
from crispen.cli.main import main
try:
    main({arguments!r})
except SystemExit as left:
    assert not left.code, left.code
"""


def test_importing_the_package_is_free() -> None:
    assert imported("import crispen") == []


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_start_imports_nothing_heavy(arguments: list[str]) -> None:
    assert imported(HELP.format(arguments=arguments)) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["enhance", "--help"],
        ["compare", "--help"],
        ["models", "--help"],
        ["evaluate", "--help"],
        ["train", "--help"],
        ["study", "--help"],
        ["runs", "--help"],
        ["report", "--help"],
        ["export", "--help"],
        ["serve", "--help"],
        ["degrade", "--help"],
        ["data", "--help"],
        ["doctor", "--help"],
    ],
)
def test_a_commands_help_imports_nothing_heavy(arguments: list[str]) -> None:
    # Typer itself reads options with pydantic.
    assert set(imported(HELP.format(arguments=arguments))) <= {"pydantic"}


def test_listing_models_needs_no_engine() -> None:
    heavy = imported(HELP.format(arguments=["models", "--json"]))
    assert {"openvino", "onnxruntime", "torch", "onnx"}.isdisjoint(heavy)


def test_listing_public_sets_needs_no_laboratory() -> None:
    heavy = imported(HELP.format(arguments=["data", "--json"]))
    assert {"numpy", "torch", "pooch", "openvino"}.isdisjoint(heavy)
