"""Events of a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from ...conftest import Live, events


def test_a_run_while_it_goes(start: Callable[..., Live], tmp_path: Path) -> None:
    run = tmp_path / "runs" / "one"
    run.mkdir(parents=True)

    def write(step: int, status: str) -> None:
        about = {"name": "one", "status": status, "step": step, "steps": 9}
        (run / "run.json").write_text(json.dumps(about))

    write(1, "running")
    live = start(runs_folder=tmp_path / "runs")
    with live.client() as api, api.stream("GET", "/runs/one/events") as answer:
        told = events(answer)
        assert next(told)[1]["step"] == 1
        write(2, "running")
        assert next(told)[1]["step"] == 2
        write(9, "done")
        assert [(name, r["status"]) for name, r in told] == [("run", "done")]
