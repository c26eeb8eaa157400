"""Models are tried out in a process of their own, unless this is one already."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from crispen.engines import trial
from crispen.errors import UsageError

from ..models_of_others import foreign

STATED = trial.Stated("mine", None, None, None)


def test_the_card_is_measured_and_kept(tmp_path: Path) -> None:
    path = foreign(tmp_path / "x.onnx")
    card = trial.trial(path, "theirs.onnx", "x", STATED, {"halo": 7})
    assert (card.name, card.scale, card.halo) == ("mine", 2, 7)
    assert trial.read_card(path) == card


@pytest.mark.parametrize("helper", [False, True])
def test_a_helper_of_the_server_needs_no_further_process(
    helper: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: helper or None)
    monkeypatch.setattr(trial, "ask", lambda module, *_, **__: asked.append(module))
    monkeypatch.setattr(trial, "check", lambda *_: asked.append("here"))
    monkeypatch.setattr(trial, "read_card", lambda path: None)
    trial.trial(tmp_path / "x.onnx", "x", "x", STATED, {})
    assert asked == ["here" if helper else "crispen.engines.trial"]


def test_what_does_not_fit_names_the_source(tmp_path: Path) -> None:
    path = foreign(tmp_path / "part")
    with pytest.raises(UsageError, match=r"^theirs\.onnx: .*, which is not --scale 3"):
        trial.trial(path, "theirs.onnx", "x", STATED._replace(scale=3), {})
