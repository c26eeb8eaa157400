"""``crispen serve``: what can be said without starting it; tests/server starts it."""

from __future__ import annotations

from pathlib import Path

from .conftest import Crispen


def test_help_says_who_can_reach_it(crispen: Crispen) -> None:
    said = crispen("serve", "--help")
    assert said.code == 0
    assert "127.0.0.1" in said.out
    assert "--token" in said.out


def test_settings_that_do_not_fit(crispen: Crispen, tmp_path: Path) -> None:
    (tmp_path / "crispen.toml").write_text("prot = 1\n")
    said = crispen("serve", "--settings", "crispen.toml")
    assert said.code == 2
    assert "prot" in said.err
    assert len(said.err.splitlines()) == 1
    assert crispen("serve", "--token", "short").code == 2
    assert crispen("serve", "--settings", "none.toml").code == 2
