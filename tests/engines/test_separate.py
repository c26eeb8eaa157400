"""Questions to a process of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from crispen.engines._separate import ask
from crispen.errors import InputError, ModelError

HEAD = "from crispen.engines._separate import say\nfrom crispen.errors import InputError\n"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Writes a module that `ask` can run, and returns its name."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def written(body: str) -> str:
        (tmp_path / "answering.py").write_text(HEAD + body)
        return "answering"

    return written


def test_an_answer(module) -> None:
    name = module("import sys\nprint('noise')\nsay(lambda: {'got': sys.argv[1]})")
    assert ask(name, "x y", file="f", work="read") == {"got": "x y"}


def test_an_error_is_raised_as_what_it_was(module) -> None:
    body = "def no():\n    raise InputError('f: is damaged')\nsay(no)"
    with pytest.raises(InputError, match=r"^f: is damaged$"):
        ask(module(body), file="f", work="read")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("import os\nos.kill(os.getpid(), 11)", "the process ended with SIGSEGV"),
        ("raise RuntimeError('odd')", "RuntimeError: odd"),
        ("import sys\nsys.exit(3)", "exit code 3"),
        ("", "exit code 0"),
    ],
)
def test_no_answer_is_one_clear_line(body: str, why: str, module) -> None:
    with pytest.raises(ModelError) as caught:
        ask(module(body), file="f.onnx", work="read")
    assert str(caught.value) == (
        f"f.onnx: could not be read ({why}); export it again, or use another"
    )


def test_what_never_ends_is_ended(module) -> None:
    name = module("import time\ntime.sleep(60)")
    with pytest.raises(ModelError, match=r"^f\.onnx: was not read within 1 s; use another$"):
        ask(name, file="f.onnx", work="read", limit_s=1.0)
