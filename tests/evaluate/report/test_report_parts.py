"""How runs are called in a report."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from crispen.evaluate.report.report_parts import Report


def run(id: str, name: str) -> Any:
    return SimpleNamespace(id=id, name=name)


def test_a_run_is_called_by_its_name_unless_two_share_it() -> None:
    runs = [run("a/1", "photo"), run("a/2", "photo"), run("b", "denoise")]
    report = Report(runs)
    assert [report.label(one) for one in runs] == ["a/1", "a/2", "denoise"]
