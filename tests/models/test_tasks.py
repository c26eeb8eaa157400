"""The table of tasks, plug-ins included."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from crispen import plugins
from crispen.errors import UsageError
from crispen.models.store import list_cards
from crispen.models.tasks import _OWN, TASKS, Task, TaskRow, _Tasks


def test_every_usual_model_ships() -> None:
    names = {card.name for _, card in list_cards()}
    for task, row in TASKS.items():
        for model in (row.model, row.video_model):
            found = model is None or model in names or f"{model}-x2" in names
            assert found, (task, model)


def test_noise_goes_first_and_the_picture_grows_last() -> None:
    assert next(iter(TASKS)) == "denoise"
    assert list(TASKS)[-1] == "upscale"


def test_a_task_is_one_of_the_table() -> None:
    check = TypeAdapter(Task)
    assert check.validate_python("denoise") == "denoise"
    with pytest.raises(ValidationError):
        check.validate_python("paint")
    assert check.json_schema()["enum"] == list(TASKS)


def added(monkeypatch: pytest.MonkeyPatch, rows: dict[str, Any]) -> _Tasks:
    def installed(group: str) -> list[str]:
        return list(rows) if group == "tasks" else []

    monkeypatch.setattr(plugins, "installed", installed)
    monkeypatch.setattr(plugins, "find", lambda group, name: rows[name])
    return _Tasks()


def test_a_plug_ins_task_stands_before_the_enlargement(monkeypatch: pytest.MonkeyPatch) -> None:
    row = TaskRow(label="Colour", verb="colour")
    tasks = added(monkeypatch, {"colour": row, "denoise": TaskRow(label="x", verb="x")})
    assert list(tasks)[-2:] == ["colour", "upscale"]
    assert tasks["colour"] is row  # type: ignore[index]
    assert tasks["denoise"] is _OWN["denoise"]  # ours stay ours


def test_what_is_no_row_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="plug-in colour"):
        len(added(monkeypatch, {"colour": SimpleNamespace(label="Colour")}))
