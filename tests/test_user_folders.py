"""The user's folders follow the system's conventions."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from crispen.user_folders import cache_folder, data_folder


@pytest.mark.skipif(sys.platform != "linux", reason="the variables are those of Linux")
def test_the_systems_variables_are_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert data_folder("models", "a.onnx") == tmp_path / "data/crispen/models/a.onnx"
    assert cache_folder() == tmp_path / "cache/crispen"
    assert list(tmp_path.iterdir()) == []
