"""A search on a Ray of two nodes: the trials are those of one machine, whatever is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crispen.errors import Cancelled, MissingInput
from crispen.evaluate.run_folders import read_run
from crispen.lab.search import on_cluster
from crispen.lab.search.on_cluster import search_on_cluster
from crispen.lab.search.order import SearchOrder
from crispen.lab.search.outcome import SearchOutcome
from crispen.lab.search.ranges import parse_ranges
from crispen.lab.search.searching import search
from crispen.lab.search.trial_worker import Trained, TrialWorker
from crispen.progress import Event, Progress

from ...ray_nodes import Nodes
from .test_searching import TINY

# Ray leaves the files of its logs open.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

LONG = (*(one for one in TINY if "train.steps" not in one), "train.steps=40", "train.save_every=2")


def order(folder: Path, *ranges: str, **changes: Any) -> SearchOrder:
    given = {"trials": 4, "assignments": TINY, "device": "cpu", "threads": 1} | changes
    ranges = ranges or ("train.learning_rate=1e-4..2e-2",)
    return SearchOrder("toy", parse_ranges(ranges), folder, **given)


def results(found: SearchOutcome) -> list[tuple[int, str, dict[str, Any], float | None]]:
    return [(t.number, t.state, dict(t.values), t.value) for t in found.trials]


def nodes_of(events: list[Event]) -> set[str]:
    return {e.what.partition(" on ")[2] for e in events if " on " in e.what}


def test_trials_are_those_of_one_machine(ray_nodes: Nodes, tmp_path: Path) -> None:
    alone = search(order(tmp_path / "alone"))
    events: list[Event] = []
    found = search_on_cluster(
        order(tmp_path / "spread"), Progress(events.append), address=ray_nodes.address
    )
    assert results(found) == results(alone)
    assert found.best_recipe == alone.best_recipe
    for name in ("best.toml", "report.html", "journal.log"):
        assert (tmp_path / "spread" / name).is_file()
    assert (tmp_path / "spread" / "best.toml").read_text() == (
        tmp_path / "alone" / "best.toml"
    ).read_text()
    # Both nodes trained, and all of it was shown as one.
    assert len(nodes_of(events)) == 2
    assert max(e.done for e in events if e.what == "search") == 4
    assert read_run(tmp_path / "spread" / "trial-000").status == "done"
    # The one continues what the other began.
    more = search_on_cluster(order(tmp_path / "alone", trials=5), address=ray_nodes.address)
    assert results(more)[:4] == results(alone)
    assert search(order(tmp_path / "alone", trials=5)).facts() == more.facts()


def test_pruned_trials_stop_at_the_step_at_which_one_machine_stops_them(
    ray_nodes: Nodes, tmp_path: Path
) -> None:
    """With one worker, trials come one after the other as on one machine."""
    ranges, pruner = "train.learning_rate=1e-7..1e-2", "halving"
    alone = search(order(tmp_path / "alone", ranges, pruner=pruner))
    with one_worker():
        found = search_on_cluster(
            order(tmp_path / "spread", ranges, pruner=pruner), address=ray_nodes.address
        )
    assert results(found) == results(alone)
    pruned = [t for t in found.trials if t.state == "pruned"]
    assert pruned
    for trial in pruned:
        run = read_run(trial.folder)
        assert (run.status, run.step) == ("stopped", 2)


class one_worker:  # noqa: N801
    """Room for one worker only, however many machines there are."""

    def __enter__(self) -> None:
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr("crispen.cluster.share.Share.room", lambda *_: 1)

    def __exit__(self, *_: object) -> None:
        self._patch.undo()


def test_a_trial_of_a_lost_node_continues_from_its_checkpoint(
    ray_nodes: Nodes, tmp_path: Path
) -> None:
    long = order(tmp_path / "alone", assignments=LONG, trials=2, pruner="none")
    alone = search(long)
    lost = 0

    def lose(event: Event) -> None:
        nonlocal lost
        if event.what.startswith("trial ") and event.done >= 10 and not lost:
            lost += 1
            ray_nodes.lose(0)
            ray_nodes.add()

    begun = count_begun()
    with begun:
        found = search_on_cluster(
            order(tmp_path / "spread", assignments=LONG, trials=2, pruner="none"),
            Progress(lose),
            address=ray_nodes.address,
        )
    assert lost == 1
    assert results(found) == results(alone)
    # One of both was begun twice.
    assert sorted(begun.counts.values()) == [1, 2]
    ((again, _),) = [(n, c) for n, c in begun.counts.items() if c == 2]
    log = (tmp_path / "spread" / again / "log.csv").read_text()
    assert log.splitlines()[1].startswith("1,")
    assert len(log.splitlines()) == 1 + 40


class count_begun:  # noqa: N801
    """Counts how often each trial is sent to a worker."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._patch = pytest.MonkeyPatch()

    def __enter__(self) -> None:
        plain: Callable[..., Any] = on_cluster._TrialTask.send

        def send(task: Any, actor: Any) -> Any:
            name = task._attempt.folder.name
            self.counts[name] = self.counts.get(name, 0) + 1
            return plain(task, actor)

        self._patch.setattr(on_cluster._TrialTask, "send", send)

    def __exit__(self, *_: object) -> None:
        self._patch.undo()


class Poisoned(TrialWorker):
    """Its process ends where the first trial has begun."""

    def train(self, recipe: Any, folder: Path) -> Trained:
        if folder.name == "trial-001":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().train(recipe, folder)


def test_a_trial_that_ends_its_process_fails_after_three_tries_and_the_search_goes_on(
    ray_nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    monkeypatch.setattr(on_cluster, "TrialWorker", Poisoned)
    begun = count_begun()
    with begun:
        found = search_on_cluster(order(tmp_path), address=ray_nodes.address)
    assert [t.state for t in found.trials] == ["done", "failed", "done", "done"]
    assert "its process ended 3 times" in found.trials[1].error
    assert begun.counts == {"trial-000": 1, "trial-001": 3, "trial-002": 1, "trial-003": 1}
    assert found.best is not None


def test_cancelling_saves_and_the_same_command_continues(ray_nodes: Nodes, tmp_path: Path) -> None:
    long = {"assignments": LONG, "trials": 2, "pruner": "none"}
    alone = search(order(tmp_path / "alone", **long))
    progress: Progress

    def stop(event: Event) -> None:
        if event.what.startswith("trial ") and event.done >= 5:
            progress.cancel()

    progress = Progress(stop)
    with pytest.raises(Cancelled):
        search_on_cluster(order(tmp_path / "parts", **long), progress, address=ray_nodes.address)
    folder = tmp_path / "parts"
    assert "interrupted" in (folder / "report.html").read_text()
    stopped = [read_run(one) for one in folder.glob("trial-*") if (one / "run.json").is_file()]
    assert {run.status for run in stopped} == {"stopped"}
    assert all(0 < run.step < 40 for run in stopped)
    found = search_on_cluster(order(folder, **long), address=ray_nodes.address)
    assert results(found) == results(alone)


def test_a_trial_has_a_gpu_where_it_may_use_one(tmp_path: Path) -> None:
    def node(gpus: int) -> dict[str, Any]:
        return {"Alive": True, "Resources": {"CPU": 8.0} | ({"GPU": gpus} if gpus else {})}

    for device, gpus, share, told in (
        ("auto", 0, 0, "auto"),
        ("auto", 2, 1, "cuda"),
        ("cuda:1", 2, 1, "cuda"),
        ("cpu", 2, 0, "cpu"),
    ):
        asked = order(tmp_path, device=device)
        found = on_cluster._share(asked, [node(0), node(gpus)])
        assert (found.gpus, found.cpus) == (share, 1)
        assert on_cluster._setup(asked, found).device == told


def test_missing_pictures_stop_the_search_and_name_the_machine(
    ray_nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = {"kind": "folder", "path": "nowhere", "patch": 24, "batch": 8, "color": "luma"}
    text = ", ".join(f"{key}={json.dumps(value)}" for key, value in table.items())
    kept = [one for one in TINY if not one.startswith("data.")]
    away = order(tmp_path, assignments=(*kept, f"data={{{text}}}"))
    with pytest.raises(MissingInput, match=r"nowhere.*whose machines must all see it"):
        search_on_cluster(away, address=ray_nodes.address)
    assert "interrupted" in (tmp_path / "report.html").read_text()


def test_it_is_typed_as_for_a_batch(ray_nodes: Nodes, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "crispen", "search", "toy", "--trials", "2", "--threads", "1"]
    words += ["--set-range", "train.learning_rate=1e-4..2e-2", "-o", str(tmp_path), "--device"]
    words += ["cpu", *(part for one in TINY for part in ("--set", one)), "--json", "--cluster"]
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "CRISPEN_CLUSTER": ray_nodes.outside},
    )
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert [t["state"] for t in facts["trials"]] == ["done", "done"]
    run = json.loads((tmp_path / "trial-000" / "run.json").read_text())
    assert "search toy --trials 2" in run["command"]
