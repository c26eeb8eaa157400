"""Weights are where the environment says, or in the user's data folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from crispen.evaluate.weights_place import weights_place


def test_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("CRISPEN_DISTS", raising=False)
    usual = weights_place("CRISPEN_DISTS", "dists", "a.safetensors")
    assert usual.parts[-3:] == ("crispen", "dists", "a.safetensors")
    monkeypatch.setenv("CRISPEN_DISTS", "")
    assert weights_place("CRISPEN_DISTS", "dists", "a.safetensors") == usual
    monkeypatch.setenv("CRISPEN_DISTS", "~/mine")
    assert weights_place("CRISPEN_DISTS", "dists") == tmp_path / "mine"
