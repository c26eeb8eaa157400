"""What is deprecated is announced with a version, and gone when that version comes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import crispen
from crispen.deprecation import CrispenDeprecationWarning, deprecated

SOURCE = Path(crispen.__file__).parent


def number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def announced(tree: ast.AST) -> list[dict[str, str]]:
    """The keywords of every call of `deprecated`."""
    return [
        {
            k.arg: ast.literal_eval(k.value)
            for k in node.keywords
            if k.arg in ("since", "removed_in")
        }
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "deprecated"
    ]


def overdue(calls: list[dict[str, str]], version: str) -> list[dict[str, str]]:
    return [call for call in calls if number(call["removed_in"]) <= number(version)[:2]]


def test_nothing_stays_longer_than_announced() -> None:
    for file in SOURCE.rglob("*.py"):
        calls = announced(ast.parse(file.read_text()))
        assert not overdue(calls, crispen.__version__), f"{file}: remove it, its time has come"


def test_the_check_itself() -> None:
    calls = announced(ast.parse('deprecated("x", since="0.2", removed_in="0.4", instead="y")'))
    assert calls == [{"since": "0.2", "removed_in": "0.4"}]
    assert not overdue(calls, "0.3.9")
    assert overdue(calls, "0.4.0")


def old_way() -> None:
    deprecated("old_way", since="0.2", removed_in="0.4", instead="use new_way")


def test_the_warning_points_at_the_caller() -> None:
    with pytest.warns(CrispenDeprecationWarning, match=r"removed in 0\.4; use new_way") as caught:
        old_way()
    assert caught[0].filename == __file__
