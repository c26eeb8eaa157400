"""Training and searching on a SLURM cluster, through submitit.

The job is a callable that submitit pickles. Shortly before the time limit, SLURM sends a signal;
the job then saves a checkpoint, is requeued and continues. A search is an array of jobs that share
its folder; see `crispen.lab.search.holds`.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from crispen.errors import Cancelled, UsageError, nearest_names, needs_extra
from crispen.lab.training_job import Trained, TrainingJob
from crispen.progress import Progress

if TYPE_CHECKING:
    import submitit

    from crispen.lab.search.order import SearchOrder
    from crispen.lab.search.outcome import SearchOutcome

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
    "jobs",
)


class Job(Protocol):
    """What can be cancelled, and continues when it is run again."""

    def run(self, progress: Progress) -> Any:
        """To its end."""


@dataclass(frozen=True)
class SearchJob:
    """One of the processes that share a search."""

    order: SearchOrder

    def run(self, progress: Progress) -> SearchOutcome:
        """Trains trials until all are begun."""
        from crispen.lab.search.searching import search

        return search(self.order, progress)


class Task:
    """The callable for submitit: runs the job in a thread, so that a signal handler can save."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def __call__(self) -> Any:
        """Runs the job to the end."""
        self.progress = Progress()
        self.outcome: list[Any] = []
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        while self.thread.is_alive():
            # A short timeout, because signals are handled only between two waits.
            self.thread.join(0.2)
        if isinstance(self.outcome[0], BaseException):
            raise self.outcome[0]
        return self.outcome[0]

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
            return None  # the job has ended
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
    if "jobs" in table:
        raise UsageError("--slurm jobs: one training is one job; leave it out")
    on_gpu, gpus = _gpus(table)
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
    executor = _executor(table, job.recipe.name, logs or job.folder / "slurm")
    return executor.submit(Task(job))  # type: ignore[no-any-return]


def submit_search(order: SearchOrder, text: str) -> list[submitit.Job[SearchOutcome]]:
    """Submits a search to the cluster as an array of jobs, which train one trial each at a time.

    Args:
        order: The search; all machines must see its folder and pictures under the same names.
        text: Value of ``--slurm``; ``jobs`` says how many there are.

    Raises:
        MissingExtra: submitit is not installed.
        UsageError: An option is invalid, or SLURM is not available.
    """
    table = parse(text)
    on_gpu, gpus = _gpus(table)
    for key, count in (("gpus", gpus), ("nodes", int(_number(table, "nodes", 1)))):
        if count > 1:
            raise UsageError(f"--slurm {key}={count}: a trial has one; give jobs={count} instead")
    order = replace(
        order,
        folder=order.folder.resolve(),
        device="cuda" if on_gpu and order.device == "auto" else order.device,
        threads=order.threads or int(_number(table, "cpus", 4)),
    )
    jobs = int(_number(table, "jobs", 1))
    executor = _executor(table, order.folder.name, order.folder / "slurm")
    with executor.batch():
        return [executor.submit(Task(SearchJob(order))) for _ in range(jobs)]


def _gpus(table: dict[str, str]) -> tuple[bool, int]:
    """Whether it was asked for GPUs, and the number of processes."""
    return "gpus" in table, int(_number(table, "gpus", 1))


def _executor(table: dict[str, str], name: str, logs: Path) -> Any:
    """Submitit's, with what was asked for."""
    on_gpu, gpus = _gpus(table)
    parameters: dict[str, Any] = {
        "name": name,
        "timeout_min": max(1, round(_number(table, "hours", 24) * 60)),
        "nodes": int(_number(table, "nodes", 1)),
        # One process per GPU; Lightning finds the others through SLURM's variables.
        "tasks_per_node": gpus,
        "cpus_per_task": int(_number(table, "cpus", 4)),
    }
    if on_gpu:
        parameters["gpus_per_node"] = gpus
    if "memory_gb" in table:
        parameters["mem_gb"] = _number(table, "memory_gb", 1)
    named = {k: table[k] for k in ("partition", "account", "qos", "constraint") if k in table}
    parameters |= {f"slurm_{k}": v for k, v in named.items()}
    requeues = int(_number(table, "requeues", 100))
    submitit = _submitit()
    try:
        executor = submitit.AutoExecutor(
            logs, cluster=table.get("cluster", "slurm"), slurm_max_num_timeout=requeues
        )
    except (RuntimeError, ValueError) as error:
        raise UsageError(f"--slurm: {error}; run this where 'sbatch' works") from error
    executor.update_parameters(**parameters)
    return executor
