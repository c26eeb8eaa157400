"""Runs the command line in this process, as ``crispen …`` would."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from crispen.cli.main import main
from crispen.media.image import Image, write_image


class Said(NamedTuple):
    code: int
    out: str
    err: str


Crispen = Callable[..., Said]


@pytest.fixture
def crispen(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Crispen:
    """The command, run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / ".data"))

    def run(*arguments: str | Path) -> Said:
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(a) for a in arguments])
        out, err = capfd.readouterr()
        code = left.value.code
        return Said(code if isinstance(code, int) else 0, out, err)

    return run


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture of 48x40 with edges in it."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (10, 12, 3), np.uint8)
    path = tmp_path / "photo.png"
    write_image(Image(coarse.repeat(4, 0).repeat(4, 1)), path)
    return path


@pytest.fixture
def no_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without PyTorch; afterwards the laboratory is the one of before."""
    import crispen

    # Importing a room binds it to the package too, so that has to be put back as well.
    monkeypatch.setattr(crispen, "lab", getattr(crispen, "lab", None), raising=False)
    for name in [n for n in sys.modules if n == "crispen.lab" or n.startswith("crispen.lab.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
