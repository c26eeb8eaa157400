"""The workers of a server, and those of machines that have no server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack, closing

from crispen.cluster.share import share_of
from crispen.jobs.job_store import JobStore
from crispen.jobs.launcher import Launcher, LocalLauncher
from crispen.jobs.ownership import Ownership
from crispen.jobs.pool import Pool, share_threads
from crispen.jobs.supervisor import Supervisor
from crispen.jobs.worker import WorkerLimits
from crispen.jobs.worker_process import WorkerSetup
from crispen.server.services.cluster_launcher import ClusterLauncher
from crispen.server.services.data_folder import DataFolder
from crispen.server.settings import Settings

_KEEP_S = 5.0


def worker_pool(
    settings: Settings,
    folder: DataFolder,
    store: JobStore,
    supervisor: Supervisor,
    *,
    changed: Callable[[], None] = lambda: None,
    died: Callable[[], None] = lambda: None,
) -> Pool:
    """The workers that the settings ask for; none runs yet.

    Args:
        settings: How many, and what each may use.
        folder: Where their jobs' files are.
        store: The queue.
        supervisor: Runs the loops that watch them.
        changed: Called whenever a job may have changed.
        died: Called for each worker that died.
    """
    cluster, threads = settings.jobs_cluster, settings.threads
    launcher: Launcher = LocalLauncher()
    if cluster is None:
        threads = share_threads(settings.most_workers, threads)
    else:
        share = share_of(settings.device, threads, settings.memory_bytes)
        threads, launcher = share.cpus, ClusterLauncher(cluster, share)
    limits = WorkerLimits(
        jobs=folder.jobs,
        device=settings.device,
        threads=threads,
        memory_bytes=settings.memory_bytes,
        max_pixels=settings.max_pixels,
        max_result_pixels=settings.max_result_pixels,
    )
    setup = WorkerSetup(
        settings.jobs_url,
        limits,
        settings.lease_s,
        settings.max_job_s,
        None if settings.shared else folder.folder / "workers.lock",
    )
    return Pool(
        setup,
        settings.most_workers,
        store,
        supervisor=supervisor,
        changed=changed,
        stop_s=settings.stop_s,
        died=died,
        shared=settings.shared,
        launcher=launcher,
    )


class LoneWorkers:
    """Workers on a machine without a server; use it in a ``with`` block.

    Args:
        settings: Those of the servers, with this machine's workers; always shared.

    Entering raises what `Ownership` and `JobStore` do.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.model_copy(update={"shared": True, "jobs_cluster": None})
        self._stack = ExitStack()

    def __enter__(self) -> LoneWorkers:
        settings, supervisor = self._settings, Supervisor()
        folder = DataFolder(
            settings.folder,
            max_total_bytes=settings.max_total_bytes,
            min_free_bytes=settings.min_free_bytes,
        )
        folder.prepare()
        with ExitStack() as stack:
            store = stack.enter_context(closing(JobStore(settings.jobs_url)))
            ownership = Ownership(store, folder.folder, shared=True)
            ownership.take()
            stack.callback(ownership.release)
            self._pool = stack.enter_context(worker_pool(settings, folder, store, supervisor))
            ending = threading.Event()
            keeper = supervisor.thread("database", ownership.keep, ending, every_s=_KEEP_S)
            stack.callback(keeper.join)
            stack.callback(ending.set)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def pids(self) -> list[int]:
        """The processes of the workers."""
        return self._pool.pids
