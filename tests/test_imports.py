"""Nothing heavy happens at import, and every module can be imported on its own."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import crispen

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
    "fsspec",
    "sqlite3",
    "ray",
)
# Coverage imports much itself, and would take minutes in hundreds of processes.
UNMEASURED = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")}
START = """
import sys
{code}
print(*[name for name in {heavy!r} if name in sys.modules])
"""


def imported(code: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", START.format(code=code, heavy=HEAVY)],
        env=UNMEASURED,
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
        ["play", "--help"],
        ["compare", "--help"],
        ["models", "--help"],
        ["evaluate", "--help"],
        ["train", "--help"],
        ["study", "--help"],
        ["runs", "--help"],
        ["report", "--help"],
        ["export", "--help"],
        ["serve", "--help"],
        ["worker", "--help"],
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


REPORTING = """
import threading, multiprocessing
started = []
multiprocessing.Process.start = lambda self: started.append(self)
{first}
import openvino
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join(10)
print(len(started))
"""


@pytest.mark.parametrize(("first", "reported"), [("import crispen", False), ("", True)])
def test_openvino_reports_nothing(tmp_path: Path, first: str, reported: bool) -> None:
    """Alone it does, which shows that this would be noticed."""
    if not reported or importlib.util.find_spec("openvino_telemetry"):
        done = subprocess.run(
            [sys.executable, "-c", REPORTING.format(first=first)],
            env={k: v for k, v in os.environ.items() if k != "CI"} | {"HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert (bool(int(done.stdout)), (tmp_path / "intel").exists()) == (reported, reported)


# A process with the libraries, but nothing of ours, forks for each module: what one of ours needs
# of another one must be imported by itself, and not happen to be there.
EACH_ALONE = """
import importlib, json, os, signal, sys, traceback
for library in {libraries!r}:
    try:
        importlib.import_module(library)
    except ImportError:
        pass
assert not [name for name in sys.modules if name.partition('.')[0] == 'crispen']
failed = {{}}
for name in {modules!r}:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        # A lock that some thread of a library held when this forked is never given back.
        signal.alarm(120)
        try:
            importlib.import_module(name)
        except BaseException:
            os.write(writing, traceback.format_exc()[-3000:].encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if said or status:
        failed[name] = said or f"ended with {{status}}"
print(json.dumps(failed))
"""
LIBRARIES = (
    "numpy",
    "pydantic",
    "typer",
    "rich",
    "pyvips",
    "av",
    "torch",
    "lightning.fabric",
    "onnx",
    "onnxslim",
    "skimage",
    "fastapi",
    "sqlmodel",
    "alembic",
    "uvicorn",
)
SOURCE = Path(crispen.__file__).parent
MODULES = sorted(
    ".".join(file.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")
    for file in SOURCE.rglob("*.py")
    # These run something when they are imported, which is what they are for.
    if file.name not in ("__main__.py", "env.py")
)


@pytest.mark.skipif(sys.platform == "win32", reason="needs os.fork")
def test_every_module_can_be_imported_on_its_own() -> None:
    assert len(MODULES) > 300
    code = EACH_ALONE.format(libraries=LIBRARIES, modules=MODULES)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=UNMEASURED,
        capture_output=True,
        text=True,
        check=True,
    )
    failed = json.loads(done.stdout.splitlines()[-1])
    assert not failed, "\n".join(f"{name}:\n{text}" for name, text in failed.items())
