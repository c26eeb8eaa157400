"""Training on a SLURM cluster, through submitit.

The job is one callable that submitit pickles. Shortly before its time limit, SLURM sends it a
signal; it then saves, and the same job is requeued and continues.
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
    """What submitit runs: the job in a thread, so that the signal handler can save it."""

    def __init__(self, job: TrainingJob) -> None:
        self.job = job

    def __call__(self) -> Trained:
        """Trains to the end."""
        self.progress = Progress()
        self.outcome: list[Any] = []
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        while self.thread.is_alive():
            # Signals are handled only between two waits.
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
        """Called by submitit at the time limit: saves, and returns how to continue."""
        import submitit

        self.progress.cancel()
        self.thread.join()
        if not isinstance(self.outcome[0], Cancelled):
            return None  # it ended in the meantime
        return submitit.helpers.DelayedSubmission(Task(self.job))


def parse(text: str) -> dict[str, str]:
    """``partition=gpu,gpus=4`` as a table.

    Raises:
        UsageError: A key is unknown, or has no value.

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
    """Imports the package without its effect on global logging.

    It configures logging for the whole program, which closes other handlers.
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
    """Writes the job and submits it to the cluster.

    Args:
        job: What to train.
        text: As given to ``--slurm``; ``cluster=local`` runs it on this machine.
        logs: Folder for submitit's files; ``slurm`` in the run's folder unless given.

    Raises:
        MissingExtra: submitit is not installed.
        UsageError: An option is invalid, or there is no SLURM here.
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

        # Now, because the job's logs go into the new folder and it may be requeued.
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
