"""Training through a cluster's queue."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from crispen.errors import UsageError
from crispen.evaluate.run_folders import read_run
from crispen.lab.checkpoint import BEST, load_checkpoint
from crispen.lab.recipe import Recipe
from crispen.lab.search.order import SearchOrder
from crispen.lab.search.ranges import parse_ranges
from crispen.lab.search.searching import search
from crispen.lab.slurm import parse, submit, submit_search
from crispen.lab.training import Trainer
from crispen.lab.training_job import TrainingJob

Make = Callable[..., Recipe]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("partitoin=gpu", "did you mean partition"),
        ("gpus", "give KEY=VALUE"),
        ("gpus=", "give KEY=VALUE"),
        ("gpus=0", "above 0"),
        ("hours=long", "above 0"),
        ("jobs=8", "one training is one job"),
    ],
)
def test_slurm_options_are_checked(text: str, told: str, recipe: Make, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=told):
        submit(TrainingJob(recipe(), tmp_path), text)


def test_slurm_needs_a_cluster(
    recipe: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="sbatch"):
        submit(TrainingJob(recipe(), tmp_path / "run"), "partition=gpu,gpus=4,hours=8")
    assert parse("partition=gpu,gpus=4,hours=8") == {
        "partition": "gpu",
        "gpus": "4",
        "hours": "8",
    }


def end_its_time(job: Any, run: Path) -> None:
    """Once a run has begun, sends a job of the local executor the signal that SLURM would send."""
    deadline = time.monotonic() + 120
    while not (run / "log.csv").is_file():
        assert time.monotonic() < deadline, job.stderr()
        time.sleep(0.05)
    controller = job._process.pid
    (task,) = Path(f"/proc/{controller}/task/{controller}/children").read_text().split()
    os.kill(int(task), signal.SIGUSR2)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds the task in /proc")
def test_a_job_is_saved_and_requeued_when_its_time_is_over(recipe: Make, tmp_path: Path) -> None:
    """By submitit's local executor, with the signal that SLURM would send."""
    made = recipe("upscale", "train.steps=400", "train.save_every=1000", "train.log_every=20")
    folder = tmp_path / "run"
    job = submit(TrainingJob(made, folder, threads=1), "cluster=local,requeues=3,hours=1")
    end_its_time(job, folder)
    trained = job.result()
    assert trained.steps == 400
    assert trained.model == folder.resolve() / "tiny-x2.onnx"
    log = (tmp_path / "run" / "slurm" / f"{job.job_id}_0_log.err").read_text()
    assert "Caught signal SIGUSR2" in log
    run = read_run(folder)
    assert (run.status, run.step) == ("done", 400)
    whole = tmp_path / "whole"
    Trainer(made, whole).fit()
    expected, got = (load_checkpoint(f / BEST)["average"] for f in (whole, folder))
    for name, weight in expected.items():
        assert torch.equal(weight, got[name]), name
    assert "SLURM_JOB_ID" not in os.environ


def search_order(folder: Path) -> SearchOrder:
    return SearchOrder(
        "toy",
        parse_ranges(["train.learning_rate=1e-4..2e-2"]),
        folder,
        assignments=("train.steps=4", "train.validate_every=2", "data.count=4", "data.side=64"),
        trials=4,
        device="cpu",
        threads=1,
    )


@pytest.mark.parametrize("text", ["gpus=2", "nodes=3,gpus=1"])
def test_a_trial_has_one_gpu(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give jobs="):
        submit_search(search_order(tmp_path), text)


def test_a_search_is_an_array_of_jobs(tmp_path: Path) -> None:
    """By submitit's local executor."""
    jobs = submit_search(search_order(tmp_path), "cluster=local,jobs=2,hours=1")
    assert len(jobs) == 2
    most = max((job.result() for job in jobs), key=lambda found: found.best is not None)
    found = search(search_order(tmp_path))
    assert [trial.state for trial in found.trials] == ["done"] * 4
    assert most.folder == tmp_path.resolve()
    assert len(list((tmp_path / "slurm").glob("*_result.pkl"))) == 2


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds the task in /proc")
def test_a_search_is_saved_and_requeued_when_its_time_is_over(tmp_path: Path) -> None:
    order = replace(search_order(tmp_path), trials=1)
    order = replace(order, assignments=(*order.assignments, "train.steps=400"))
    order = replace(order, assignments=(*order.assignments, "train.validate_every=400"))
    (job,) = submit_search(order, "cluster=local,requeues=3,hours=1")
    end_its_time(job, tmp_path / "trial-000")
    assert [trial.state for trial in job.result().trials] == ["done"]
    assert read_run(tmp_path / "trial-000").step == 400
    log = (tmp_path / "slurm" / f"{job.job_id}_0_log.err").read_text()
    assert "Caught signal SIGUSR2" in log
