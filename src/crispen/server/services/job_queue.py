"""Adds jobs to the queue and deletes them, together with their folders."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

from crispen.jobs.database import StoreError
from crispen.jobs.job import Job, JobSpec
from crispen.jobs.job_folder import SOURCE
from crispen.jobs.job_store import JobStore
from crispen.server.services.clock import Clock
from crispen.server.services.data_folder import DataFolder
from crispen.server.services.events import JobEvents


class JobQueue:
    """Keeps rows of the queue and folders of jobs together.

    Args:
        store: The queue.
        folder: The data folder.
        events: Notified of changes.
        clock: Decides when jobs expire.
        wake: Wakes a worker.
        result_ttl_s: Seconds that a finished job is kept.
        upload_ttl_s: Seconds that a folder without a job is kept.
    """

    def __init__(
        self,
        store: JobStore,
        folder: DataFolder,
        events: JobEvents,
        clock: Clock,
        *,
        wake: Callable[[], None],
        result_ttl_s: float,
        upload_ttl_s: float,
    ) -> None:
        self._store = store
        self._folder = folder
        self._events = events
        self._clock = clock
        self._wake = wake
        self._result_ttl_s = result_ttl_s
        self._upload_ttl_s = upload_ttl_s
        self._to_delete: set[str] = set()

    def add(self, new: JobSpec, path: Path) -> Job:
        """Put a job into the queue, and the file it is about into its folder.

        The caller removes `path` after this succeeded, and not before: if the database does not
        answer, the file is still there for the next try.
        """
        folder = self._folder.job(new.id)
        folder.mkdir(mode=0o700, exist_ok=True)
        try:
            link_or_copy(path, folder / SOURCE)
            job = self._store.add(new)
        except StoreError:
            # The job may have been stored nevertheless, so its folder stays for now.
            if new.hidden:
                self._to_delete.add(new.id)
            raise
        except BaseException:
            self._folder.drop_job(new.id)
            raise
        self._wake()
        self._events.poke()
        return job

    def delete(self, job: Job) -> None:
        """Delete a job with its files; a worker that runs it notices at its next heartbeat."""
        self._store.delete(job.id)
        self._folder.drop_job(job.id)
        self._events.deleted(job)

    def abandon(self, job: Job) -> None:
        """`delete` a job, now or as soon as the database answers."""
        try:
            self.delete(job)
        except StoreError:
            self._to_delete.add(job.id)

    def delete_hidden(self) -> None:
        """Delete jobs whose clients waited for an earlier server and have disconnected."""
        for job in self._store.hidden():
            self.delete(job)

    def sweep(self) -> int:
        """Delete old finished jobs, and folders that belong to no job; how many jobs."""
        now = self._clock.now()
        for id in list(self._to_delete):
            job = self._store.get(id)
            if job is not None:
                self.delete(job)
            self._folder.drop_job(id)
            self._to_delete.discard(id)
        expired = self._store.expired(now - self._result_ttl_s)
        for job in expired:
            self.delete(job)
        for folder in list(self._folder.jobs.iterdir()):
            with contextlib.suppress(OSError):
                young = now - folder.stat().st_mtime < self._upload_ttl_s
                if not young and self._store.get(folder.name) is None:
                    shutil.rmtree(folder, ignore_errors=True)
        return len(expired)


def link_or_copy(source: Path, target: Path) -> None:
    """Make a file available at a second path, without copying its bytes if possible."""
    try:
        target.hardlink_to(source)
    except FileExistsError:  # left by an earlier try; ids are never used for another file
        return
    except OSError:  # a file system without links
        shutil.copyfile(source, target)
