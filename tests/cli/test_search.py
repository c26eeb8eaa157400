"""``crispen search``: a search as typed."""

from __future__ import annotations

import json
from typing import Any

import pytest

SHORT = [
    part
    for change in (
        "train.steps=3",
        "train.validate_every=2",
        "data.count=4",
        "data.side=64",
        "validation.count=1",
    )
    for part in ("--set", change)
]


def test_a_search_is_told_and_continued(crispen: Any) -> None:
    words = ["search", "toy", "--set-range", "train.learning_rate=1e-4..2e-3", *SHORT]
    said = crispen(*words, "--trials", 2)
    assert said.code == 0, said.err
    assert "train.learning_rate: 0.0001 to 0.002 (logarithmic)" in said.err
    assert "best: trial" in said.out
    assert "crispen train runs/toy-search/best.toml" in said.out
    assert "made runs/toy-search/report.html" in said.out
    more = crispen(*words, "--trials", 3, "--json")
    assert more.code == 0, more.err
    facts = json.loads(more.out)
    assert [t["state"] for t in facts["trials"]] == ["done"] * 3
    assert facts["best"]["recipe"] == "runs/toy-search/best.toml"
    # What it says to type works.
    assert crispen("export", facts["best"]["folder"]).code == 0
    assert crispen("train", facts["best"]["recipe"], "-o", "again", "--no-export").code == 0


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ((), 2, "at least one --set-range"),
        (("--set-range", "train.learning_rate"), 2, "KEY=LOW..HIGH"),
        (("--set-range", "train.step=1..9"), 2, "--set-range: train.step: no such key"),
        (("--set-range", "train.clip=1..9", "--set", "train.stps=1"), 2, "train.stps"),
        (("--set-range", "train.clip=1..9", "--device", "abacus"), 2, "give auto, cpu"),
    ],
)
def test_what_is_wrong_is_told(crispen: Any, words: tuple[str, ...], code: int, told: str) -> None:
    said = crispen("search", "toy", *words)
    assert said.code == code
    assert told in said.err
    assert "Traceback" not in said.err
    assert not said.out
