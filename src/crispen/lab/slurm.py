"""Training on a SLURM cluster, through submitit.

The job is a callable that submitit pickles. Shortly before the time limit, SLURM sends a signal;
the job then saves a checkpoint, is requeued and continues.
"""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crispen.errors import Cancelled, UsageError, nearest_names, needs_extra
from crispen.lab.training_job import Trained, TrainingJob
from crispen.progress import Progress

if TYPE_CHECKING:
    import submitit

KEYS = (
    "partition",
    "gpus",
    "nodes",
    "hours",
    "cpus",
    "memory_gb",
    "account",
    "qos",
    "constraint",
    "requeues",
    "cluster",
)


class Task:
    """The callable for submitit: runs the job in a thread, so that a signal handler can save."""

    def __init__(self, job: TrainingJob) -> None:
        self.job = job

    def __call__(self) -> Trained:
        """Trains to the end."""
        self.progress = Progress()
        self.outcome: list[Any] = []
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        while self.thread.is_alive():
            # A short timeout, because signals are handled only between two waits.
            self.thread.join(0.2)
        if isinstance(self.outcome[0], BaseException):
            raise self.outcome[0]
        return self.outcome[0]  # type: ignore[no-any-return]

    def _run(self) -> None:
        try:
            self.outcome.append(self.job.run(self.progress))
        except BaseException as error:
            self.outcome.append(error)

    def checkpoint(self) -> Any:
        """Called by submitit at the time limit: saves, and returns the job to resubmit."""
        import submitit

        self.progress.cancel()
        self.thread.join()
        if not isinstance(self.outcome[0], Cancelled):
            return None  # the training has ended
        return submitit.helpers.DelayedSubmission(Task(self.job))


def parse(text: str) -> dict[str, str]:
    """Parses the option ``--slurm``, as in ``partition=gpu,gpus=4``.

    Raises:
        UsageError: A key is unknown or has no value.

    >>> parse("partition=gpu,hours=8")
    {'partition': 'gpu', 'hours': '8'}
    """
    table = {}
    for entry in filter(None, text.split(",")):
        key, equals, value = entry.partition("=")
        if key not in KEYS or not equals or not value:
            raise UsageError(
                f"--slurm {entry}: give KEY=VALUE with one of {', '.join(KEYS)}"
                f"{nearest_names(key, KEYS)}"
            )
        table[key] = value
    return table


def _number(table: dict[str, str], key: str, default: float) -> float:
    try:
        value = float(table.get(key, default))
    except ValueError:
        value = 0.0
    if not value > 0:
        raise UsageError(f"--slurm {key}={table[key]}: give a number above 0")
    return value


def _submitit() -> Any:
    """Imports submitit without letting it configure logging.

    Otherwise it would configure logging for the whole program and close other handlers.
    """
    name = "SUBMITIT_LOG_LEVEL"
    before = os.environ.get(name)
    os.environ[name] = "NOCONFIG"
    try:
        with needs_extra("--slurm", "train"):
            import submitit
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before
    return submitit


def submit(job: TrainingJob, text: str, *, logs: Path | None = None) -> submitit.Job[Trained]:
    """Submits a training job to the cluster.

    Args:
        job: The job.
        text: Value of ``--slurm``; with ``cluster=local`` the job runs on this machine.
        logs: Folder for submitit's files; ``slurm`` in the run's folder unless given.

    Raises:
        MissingExtra: submitit is not installed.
        UsageError: An option is invalid, or SLURM is not available.
    """
    table = parse(text)
    gpus, nodes = int(_number(table, "gpus", 1)), int(_number(table, "nodes", 1))
    hours, cpus = _number(table, "hours", 24), int(_number(table, "cpus", 4))
    on_gpu = "gpus" in table
    job = replace(
        job,
        folder=job.folder.resolve(),
        devices=gpus,
        device="cuda" if on_gpu and job.device == "auto" else job.device,
    )
    if job.resume is False:
        from crispen.lab.training import put_aside

        # Before the submission, because logs go into the new folder and the job may be requeued.
        put_aside(job.folder)
        job = replace(job, resume=None)
    submitit = _submitit()
    try:
        executor = submitit.AutoExecutor(
            logs or job.folder / "slurm",
            cluster=table.get("cluster", "slurm"),
            slurm_max_num_timeout=int(_number(table, "requeues", 100)),
        )
    except (RuntimeError, ValueError) as error:
        raise UsageError(f"--slurm: {error}; run this where 'sbatch' works") from error
    parameters: dict[str, Any] = {
        "name": job.recipe.name,
        "timeout_min": max(1, round(hours * 60)),
        "nodes": nodes,
        # One process per GPU; Lightning finds the others through SLURM's variables.
        "tasks_per_node": gpus,
        "cpus_per_task": cpus,
    }
    if on_gpu:
        parameters["gpus_per_node"] = gpus
    if "memory_gb" in table:
        parameters["mem_gb"] = _number(table, "memory_gb", 1)
    named = {k: table[k] for k in ("partition", "account", "qos", "constraint") if k in table}
    parameters |= {f"slurm_{k}": v for k, v in named.items()}
    executor.update_parameters(**parameters)
    return executor.submit(Task(job))  # type: ignore[no-any-return]
