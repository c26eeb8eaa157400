"""Training through a cluster's queue."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from crispen.errors import UsageError
from crispen.evaluate.run_folders import read_run
from crispen.lab.checkpoint import BEST, load_checkpoint
from crispen.lab.recipe import Recipe
from crispen.lab.slurm import parse, submit
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


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds the task in /proc")
def test_a_job_is_saved_and_requeued_when_its_time_is_over(recipe: Make, tmp_path: Path) -> None:
    """By submitit's local executor, with the signal that SLURM would send."""
    made = recipe("upscale", "train.steps=400", "train.save_every=1000", "train.log_every=20")
    folder = tmp_path / "run"
    job = submit(TrainingJob(made, folder, threads=1), "cluster=local,requeues=3,hours=1")
    deadline = time.monotonic() + 120
    while not (folder / "log.csv").is_file():
        assert time.monotonic() < deadline, job.stderr()
        time.sleep(0.05)
    assert job._process is not None
    controller = job._process.pid
    (task,) = Path(f"/proc/{controller}/task/{controller}/children").read_text().split()
    os.kill(int(task), signal.SIGUSR2)
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
