"""A search from start to finish, on toy data; stopped, killed and continued."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from crispen.errors import Cancelled, MissingInput, TrainingError, UsageError
from crispen.evaluate.run_folders import list_runs, read_run
from crispen.lab.recipe import load_recipe
from crispen.lab.search.order import SearchOrder
from crispen.lab.search.ranges import parse_ranges
from crispen.lab.search.searching import search
from crispen.progress import Event, Progress

TINY = (
    "train.steps=4",
    "train.validate_every=2",
    "train.log_every=1",
    "train.warmup=1",
    "train.precision=fp32",
    "data.count=4",
    "data.side=64",
    "validation.count=1",
)


def order(folder: Path, *ranges: str, **changes: Any) -> SearchOrder:
    given = {"trials": 3, "assignments": TINY, "device": "cpu"} | changes
    ranges = ranges or ("train.learning_rate=1e-4..2e-2",)
    return SearchOrder("toy", parse_ranges(ranges), folder, **given)


def test_the_best_recipe_is_that_of_the_best_run(tmp_path: Path) -> None:
    found = search(order(tmp_path, "train.learning_rate=1e-4..2e-2", "network.depth=1..3"))
    assert [t.state for t in found.trials] == ["done"] * 3
    best = found.best
    assert best is not None
    assert best.value == max(run.best["psnr"] for run in list_runs(tmp_path))
    written = load_recipe(str(tmp_path / "best.toml"))
    assert written == load_recipe(str(best.folder / "recipe.toml")) == found.best_recipe
    assert written.train.learning_rate == best.values["train.learning_rate"]
    assert written.network.depth == best.values["network.depth"]  # type: ignore[union-attr]
    assert len({t.values["train.learning_rate"] for t in found.trials}) == 3
    assert "31" in (tmp_path / "report.html").read_text()


def test_more_trials_continue_it_and_none_is_repeated(tmp_path: Path) -> None:
    first = search(order(tmp_path, trials=1))
    both = search(order(tmp_path, trials=2))
    assert both.trials[0].values == first.trials[0].values
    assert both.trials[1].values != first.trials[0].values
    before = (tmp_path / "trial-000" / "log.csv").stat().st_mtime_ns
    assert search(order(tmp_path, trials=2)).facts() == both.facts()
    assert (tmp_path / "trial-000" / "log.csv").stat().st_mtime_ns == before


def test_a_trial_that_was_stopped_continues_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = search(order(tmp_path / "whole", trials=2))
    progress: Progress

    def stop(event: Event) -> None:
        if event.what.startswith("training") and event.done == 3:
            progress.cancel()

    progress = Progress(stop)
    with pytest.raises(Cancelled):
        search(order(tmp_path / "parts", trials=2), progress)
    assert read_run(tmp_path / "parts" / "trial-000").status == "stopped"
    assert "interrupted" in (tmp_path / "parts" / "report.html").read_text()
    continued = search(order(tmp_path / "parts", trials=2))
    assert [t.state for t in continued.trials] == ["done", "done"]
    # Bit for bit the same training, of the same values.
    assert continued.trials[0].values == whole.trials[0].values
    assert continued.trials[0].value == whole.trials[0].value


def test_a_killed_trial_is_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException): ...

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        # Between the choice of its values and its first step nothing is written.
        patch.setattr("crispen.lab.search.searching.TrainingJob.run", die)
        with pytest.raises(Killed):
            search(order(tmp_path, trials=1))
    found = search(order(tmp_path, trials=1))
    assert [(t.number, t.state) for t in found.trials] == [(0, "done")]


def test_a_pruned_trial_is_a_stopped_run(tmp_path: Path) -> None:
    # Rates from nothing to much: a later trial that is not the best at the first rung ends there.
    found = search(order(tmp_path, "train.learning_rate=1e-7..1e-2", trials=4, pruner="halving"))
    pruned = [t for t in found.trials if t.state == "pruned"]
    assert pruned
    for trial in pruned:
        run = read_run(trial.folder)
        assert (run.status, run.step) == ("stopped", 2)
        assert trial.value == pytest.approx(run.log.curve("val_psnr")[0][1], rel=1e-6)
    assert found.best is not None
    assert found.best.state == "done"


def test_a_training_that_fails_is_a_failed_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crispen.lab.training_job import TrainingJob

    whole = TrainingJob.run

    def run(job: TrainingJob, progress: Progress | None = None) -> Any:
        if job.folder.name == "trial-001":
            raise TrainingError("step 1: the loss is nan")
        return whole(job, progress)

    monkeypatch.setattr(TrainingJob, "run", run)
    found = search(order(tmp_path))
    assert [t.state for t in found.trials] == ["done", "failed", "done"]
    assert found.trials[1].error == "step 1: the loss is nan"
    assert found.facts()["trials"][1]["value"] is None


def test_missing_pictures_stop_the_search_and_are_no_failed_trial(tmp_path: Path) -> None:
    away = order(tmp_path, assignments=(*TINY, "data.kind='folder'", "data.path='nowhere'"))
    with pytest.raises(UsageError, match="count"):  # of the toy pictures
        search(away)
    table = {"kind": "folder", "path": "nowhere", "patch": 24, "batch": 8, "color": "luma"}
    text = ", ".join(f"{key}={json.dumps(value)}" for key, value in table.items())
    kept = [one for one in TINY if not one.startswith("data.")]
    with pytest.raises(MissingInput, match="nowhere"):
        search(order(tmp_path, assignments=(*kept, f"data={{{text}}}")))
    report = (tmp_path / "report.html").read_text()
    assert "1 interrupted" in report


@pytest.mark.parametrize(
    ("ranges", "told"),
    [
        (("train.learning_rat=1e-4..1e-2",), r"^--set-range: train\.learning_rat: no such key"),
        (("train.learning_rate=1e-4..20",), r"^--set-range: train\.learning_rate: .*less than 10"),
        (("train.warmup=1.0..3",), r"^--set-range: train\.warmup: .*integer"),
        (("train.optimizer=adam|adas",), r"^--set-range: train\.optimizer"),
        (("degradation.3.sigma=1..2",), "trials must be measured alike"),
        (("validation.count=1..2",), "trials must be measured alike"),
        (("loss.1.weight=0.1..1",), r"^--set-range loss\.1\.weight: '1' is none of the 1 entries"),
        (("data.patch=12..24",), "name pictures to measure on with --valid"),
        (("train.seed=1..5",), "name pictures to measure on with --valid"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_any_work(
    tmp_path: Path, ranges: tuple[str, ...], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        search(order(tmp_path / "s", *ranges))
    assert not (tmp_path / "s").exists()


def test_weights_of_losses_are_not_compared_by_the_loss(tmp_path: Path) -> None:
    by_loss = (*TINY, "validation.monitor=loss")
    with pytest.raises(UsageError, match=r"validation\.monitor=psnr"):
        search(order(tmp_path, "loss.0.weight=0.1..1", assignments=by_loss))


def test_a_folder_holds_one_search(tmp_path: Path) -> None:
    search(order(tmp_path, trials=1))
    with pytest.raises(UsageError, match="ranges differ"):
        search(order(tmp_path, "train.learning_rate=1e-4..3e-2"))
    with pytest.raises(UsageError, match="the recipe differs"):
        search(order(tmp_path, assignments=(*TINY, "train.clip=1.0")))


COMMAND = (
    *(sys.executable, "-m", "crispen", "search", "toy"),
    *("--device", "cpu", "--threads", "1", "--pruner", "none"),
)


def begin(folder: Path, *changes: str, trials: int = 6) -> subprocess.Popen[bytes]:
    """The search as a process of its own."""
    sets = [part for one in (*TINY, *changes) for part in ("--set", one)]
    search_range = ("--set-range", "train.learning_rate=1e-4..2e-2")
    command = [*COMMAND, *sets, *search_range, "--trials", str(trials), "-o", str(folder)]
    return subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE)


def test_processes_share_a_search(tmp_path: Path) -> None:
    """Each trial is trained once, and with the values that it would have alone."""
    processes = [begin(tmp_path / "shared") for _ in range(2)]
    told = [json.loads(process.communicate(timeout=300)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    whole = max(told, key=lambda facts: sum(t["state"] == "done" for t in facts["trials"]))
    assert [t["state"] for t in whole["trials"]] == ["done"] * 6
    for folder in (tmp_path / "shared").glob("trial-*"):
        assert read_run(folder).step == 4
    assert not [*(tmp_path / "shared").glob(".trial-*")]
    alone = search(order(tmp_path / "alone", threads=1, trials=6, pruner="none"))
    # From the eleventh trial on, values depend on what came out before.
    assert [t.values for t in alone.trials] == [t["values"] for t in whole["trials"]]


def test_a_trial_of_another_process_is_left_to_it_until_that_ends(tmp_path: Path) -> None:
    other = begin(tmp_path, "train.steps=100000", "train.validate_every=100000", trials=1)
    deadline = time.monotonic() + 120
    while not (tmp_path / "trial-000" / "log.csv").is_file():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    endless = (*TINY, "train.steps=100000", "train.validate_every=100000")
    found = search(order(tmp_path, trials=1, assignments=endless))
    assert [t.state for t in found.trials] == ["running"]
    assert "1 running" in (tmp_path / "report.html").read_text()
    other.kill()
    other.communicate()

    def stop(event: Event) -> None:
        if event.what.startswith("training"):
            progress.cancel()

    progress = Progress(stop)
    with pytest.raises(Cancelled):  # it is continued
        search(order(tmp_path, trials=1, assignments=endless), progress)
    assert "1 interrupted" in (tmp_path / "report.html").read_text()
